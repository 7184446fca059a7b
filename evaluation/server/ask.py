"""Asks a server all items of some parts, several at a time, and finishes the parts."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from random import Random
from typing import NamedTuple

from ...data.errors import ExitCode, RunError, UserError
from ...data.manifest import Json
from ...data.progress import progress_bar, say
from ...data.suite import Likelihood
from ..finish import finish_part
from ..generations import Generations, Part, asked_sha256
from ..item import Item
from ..journal import JOURNAL_ENDING, Journal
from ..leaving import check_may_leave
from ..reply import Reply, State
from ..reply_plan import longest_reply, reply_name, reply_seed
from ..retry import Exhausted, Rejected, Retries
from ..settings import AnswersConfig
from .client import Answer, ChatClient
from .settings import ServerConfig

_REJECTED_IN_A_ROW = 20
"""Then a setting is wrong, not the items."""
_SEED_BITS = 31
"""What every server's integer holds."""


def ask_server(
    generations: Generations,
    parts: Sequence[Part],
    *,
    answers: AnswersConfig,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> None:
    """Ask the system's server what is not in the parts' journals yet.

    Raises:
        UserError: the items may not leave this machine, or the server is not there, does not let
            us in or serves no such model.
        RunError: it failed too often; PARTIAL where some items got no reply, and no other cause.
    """
    server = generations.system.server
    assert server is not None
    _say_what_is_asked(server, parts)
    _check_leaving(server, parts)
    retries = Retries(
        total_seconds=server.retry_seconds,
        parallel=server.parallel,
        random=Random(),
        clock=clock,
        sleep=sleep,
    )
    open_items = asyncio.run(_ask_parts(generations, parts, server, retries, answers))
    if open_items:
        raise RunError(
            f"{open_items} items got no reply in {server.retry_seconds:g} s each: "
            "run the same command to ask them again",
            code=ExitCode.PARTIAL,
        )


def _say_what_is_asked(server: ServerConfig, parts: Sequence[Part]) -> None:
    num_items = sum(len(part.items) for part in parts)
    names = ", ".join(part.name for part in parts)
    place = server.url if server.is_local else f"{server.host}, another machine"
    say("evaluate", f"sends {num_items} items ({names}) to {place}, model {server.model}")
    if likely := [part.name for part in parts if part.suite.likelihood is not Likelihood.none]:
        say("evaluate", f"a server is asked for no log-likelihoods: none for {', '.join(likely)}")


def _check_leaving(server: ServerConfig, parts: Sequence[Part]) -> None:
    """Refuse suites and prompts that may not go to another machine, before any of them goes."""
    leaving = check_may_leave(
        parts,
        host=server.host,
        is_local=server.is_local,
        accept_pii=server.accept_pii,
        setting="server.accept_pii",
    )
    if not server.is_local:
        for line in leaving.lines():
            say("evaluate", line)
    leaving.require()


async def _ask_parts(
    generations: Generations,
    parts: Sequence[Part],
    server: ServerConfig,
    retries: Retries,
    answers: AnswersConfig,
) -> int:
    """Finish the parts one after the other; return how many replies could not be had."""
    client = ChatClient(server)
    open_items = 0
    try:
        await _check_model(client, server, retries)
        for part in parts:
            say("evaluate", f"writes {generations.file(part)}")
            with Journal(generations.file(part, JOURNAL_ENDING), key=part.key) as journal:
                asker = _PartAsker(client, retries, journal, part, answers, generations.system.name)
                counts = await asker.ask(parallel=server.parallel)
                if asker.num_open:
                    open_items += asker.num_open
                else:
                    finish_part(generations, part, rows=journal.rows, counts=counts)
    finally:
        await client.close()
    return open_items


async def _check_model(client: ChatClient, server: ServerConfig, retries: Retries) -> None:
    """Refuse a name that is not served: some servers answer to any, with whatever they have."""
    names = await retries.call(client.served_models)
    if names is not None and server.model not in names:
        raise UserError(
            f"{server.url} does not serve {server.model!r}: set server.model to one of "
            f"{', '.join(sorted(names))}"
        )


class _Planned(NamedTuple):
    """One reply that is to be had."""

    name: str
    """Of its row in the journal."""
    item: Item
    sample: int


@dataclass(slots=True)
class _PartAsker:
    """Asks for the replies of one part and writes each as it comes."""

    client: ChatClient
    retries: Retries
    journal: Journal
    part: Part
    answers: AnswersConfig
    system_name: str
    num_open: int = 0
    """Replies that could not be had in the time for them."""
    _rejected: dict[str, dict[str, dict]] = field(default_factory=dict)
    """Rows of items that were rejected since the last reply, which are not written yet."""

    async def ask(self, *, parallel: int) -> dict[str, Json]:
        """Ask for all replies that the journal lacks; return the part's counts."""
        num_known, started = len(self.journal.rows), time.monotonic()
        todo = self._planned()
        with progress_bar(
            total=len(self.part.items) * self.answers.samples,
            initial=num_known,
            label=f"{self.system_name} {self.part.name}",
            unit="reply",
        ) as bar:

            async def work() -> None:
                for planned in todo:  # shared: each takes the next one
                    await self._ask_one(planned)
                    bar.update(1)

            try:
                async with asyncio.TaskGroup() as group:
                    for _ in range(parallel):
                        group.create_task(work())
            except ExceptionGroup as several:
                raise several.exceptions[0] from several
        self._write_rejected()
        return {
            **self._tokens(),
            "seconds": round(time.monotonic() - started, 1),
            "parallel": parallel,
            "resumed_items": num_known,
            "fingerprints": self._fingerprints(),
        }

    def _planned(self) -> Iterator[_Planned]:
        for item in self.part.items:
            for sample in range(self.answers.samples):
                if (name := reply_name(item, sample)) not in self.journal.rows:
                    yield _Planned(name, item, sample)

    async def _ask_one(self, planned: _Planned) -> None:
        async def send() -> Answer:
            return await self.client.ask(
                planned.item.messages,
                temperature=self.answers.temperature,
                max_tokens=longest_reply(self.part.suite, self.answers),
                seed=reply_seed(self.answers.seed, planned.name) % 2**_SEED_BITS,
            )

        try:
            answer = await self.retries.call(send)
        except Exhausted as error:
            self.num_open += 1
            say("evaluate", f"{self.part.name}: {planned.item.id} got no reply: {error}")
        except Rejected as error:
            self._reject(planned, error)
        else:
            self._write_rejected()
            self._write(planned, answer)

    def _reject(self, planned: _Planned, error: Rejected) -> None:
        """Note an item that will never be answered, unless that is so of all."""
        say("evaluate", f"{self.part.name}: {planned.item.id} is rejected: {error}")
        nothing = Answer("", State.error, "", None, None, None)
        self._rejected[planned.name] = self._row(planned, nothing)
        if len(self._rejected) >= _REJECTED_IN_A_ROW:
            raise RunError(
                f"{len(self._rejected)} items in a row were rejected, the last with {error}: "
                "correct the settings, then run the same command to ask them again"
            )

    def _write_rejected(self) -> None:
        for name, row in self._rejected.items():
            self.journal.add(name, row)
        self._rejected.clear()

    def _write(self, planned: _Planned, answer: Answer) -> None:
        if answer.state is State.wrong_model:
            say("evaluate", f"{self.part.name}: {planned.item.id} was answered by {answer.model}")
        self.journal.add(planned.name, self._row(planned, answer))

    def _row(self, planned: _Planned, answer: Answer) -> dict[str, dict]:
        reply = Reply(
            id=planned.item.id,
            language=planned.item.language,
            suite=self.part.suite.name,
            split=self.part.split,
            system=self.system_name,
            prompt_sha256=asked_sha256(planned.item),
            reply=answer.text,
            state=answer.state,
            sample=planned.sample,
            num_tokens=answer.reply_tokens,
        )
        usage = {"prompt_tokens": answer.prompt_tokens, "fingerprint": answer.fingerprint}
        return {"reply": asdict(reply), "usage": usage}

    def _tokens(self) -> dict[str, Json]:
        """Return the counts of tokens, where the server told them for every reply."""
        rows = [row for row in self.journal.rows.values() if row["reply"]["state"] != State.error]
        prompt = [row["usage"]["prompt_tokens"] for row in rows]
        reply = [row["reply"]["num_tokens"] for row in rows]
        if None in prompt or None in reply:
            return {}
        return {"prompt_tokens": sum(prompt), "reply_tokens": sum(reply)}

    def _fingerprints(self) -> list[Json]:
        found = {row["usage"]["fingerprint"] for row in self.journal.rows.values()}
        return list[Json](sorted(found - {None}))
