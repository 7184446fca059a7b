"""Asks a checkpoint all items of one part, batch by batch, and finishes the part."""

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import NamedTuple, TypedDict

import torch

from ..data.chat import encode_prompt
from ..data.hardware import num_cores, pick_precision
from ..data.manifest import Json, sha256_of_json
from ..data.progress import progress_bar, say
from ..data.suite import Likelihood, Suite
from .batched_answers import Answer, BatchedAnswers, Choice, plan_batches, shared_prefix
from .checkpoint import Checkpoint, label_choices, load_checkpoint
from .generations import Generations, Part
from .item import Item
from .journal import Journal
from .reply import LabelScores, Reply, State, to_lines
from .settings import AnswersConfig

_LOGPROB_DIGITS = 5  # rounding noise of fp32 sums ends below


def ask_checkpoint(
    generations: Generations, parts: Sequence[Part], *, answers: AnswersConfig
) -> None:
    """Load the system's checkpoint once and finish each part."""
    precision = pick_precision(answers.precision)
    threads = answers.threads or num_cores()
    torch.set_num_threads(threads)
    system = generations.system
    say("evaluate", f"reads {system.folder} in {precision.name}, {threads} threads")
    checkpoint = load_checkpoint(system, precision=precision)
    run: dict[str, Json] = {"precision": precision.name, "threads": threads}
    for part in parts:
        asking = _Asking(system_name=system.name, checkpoint=checkpoint, part=part, answers=answers)
        _finish_part(generations, part, asking, run)


def _finish_part(
    generations: Generations, part: Part, asking: "_Asking", run: dict[str, Json]
) -> None:
    started_at, started = datetime.now(UTC), time.monotonic()
    questions = asking.questions()
    say("evaluate", f"{part.name}: {len(questions)} items, writes {generations.file(part)}")
    key = sha256_of_json({"part": part.key, **run})
    with Journal(generations.file(part, ".jsonl.partial"), key=key) as journal:
        num_resumed = len(journal.rows)
        label = f"{asking.system_name} {part.name}"
        with progress_bar(
            total=len(questions), initial=num_resumed, label=label, unit="item"
        ) as bar:
            for item_id, row in asking.rows(questions, skip=set(journal.rows)):
                journal.add(item_id, row)
                bar.update(1)
        rows = [journal.rows[question.item.id] for question in questions]
        replies = [Reply(**row["reply"]) for row in rows]
        scores = [LabelScores(**row["scores"]) for row in rows if row["scores"]]
        files = {".jsonl": to_lines(replies)}
        if scores:
            files[".loglikelihood.jsonl"] = to_lines(scores)
        generations.finish(
            part,
            files=files,
            counts={
                "items": len(replies),
                "states": dict(sorted(Counter(str(reply.state) for reply in replies).items())),
                "prompt_tokens": sum(len(question.ids) for question in questions),
                "reply_tokens": sum(reply.num_tokens or 0 for reply in replies),
                "resumed_items": num_resumed,
                "seconds": round(time.monotonic() - started, 1),
                **run,
            },
            inputs=[*generations.system.inputs(), part.path],
            started_at=started_at,
            finished_at=datetime.now(UTC),
        )
        journal.remove()


class _Known(TypedDict):
    """What the rows of both files begin with."""

    id: str
    language: str
    suite: str
    split: str
    system: str
    prompt_sha256: str


class _Question(NamedTuple):
    item: Item
    ids: list[int]


@dataclass(kw_only=True, slots=True)
class _Asking:
    """One checkpoint, one part: turns items into rows."""

    system_name: str
    checkpoint: Checkpoint
    part: Part
    answers: AnswersConfig

    @property
    def suite(self) -> Suite:
        """Return the suite that is asked."""
        return self.part.suite

    def questions(self) -> list[_Question]:
        """Return the items with their prompts as token ids, in the suite's order."""
        tokenizer = self.checkpoint.tokenizer
        return [
            _Question(item, encode_prompt(tokenizer, item.messages)) for item in self.part.items
        ]

    def rows(
        self, questions: list[_Question], *, skip: set[str]
    ) -> Iterator[tuple[str, dict[str, dict]]]:
        """Yield id and rows of every item but those to skip, batch by batch.

        A batch of which a part is skipped is computed whole: the same batches give the same digits.
        """
        for group in _group_by_choices(questions):
            yield from self._rows_of_group(group, skip=skip)

    def _rows_of_group(
        self, questions: list[_Question], *, skip: set[str]
    ) -> Iterator[tuple[str, dict[str, dict]]]:
        prefix = shared_prefix([question.ids for question in questions])
        rests = [question.ids[len(prefix) :] for question in questions]
        engine = BatchedAnswers(
            self.checkpoint.model,
            prefix_ids=prefix,
            choices=self._choices(questions[0].item),
            end_ids=self.checkpoint.end_ids,
            max_new_tokens=self.suite.max_new_tokens or self.answers.max_new_tokens,
        )
        lengths = [len(rest) for rest in rests]
        for batch in plan_batches(lengths, batch_tokens=self.answers.batch_tokens):
            if all(questions[index].item.id in skip for index in batch):
                continue
            found = engine.answer([rests[index] for index in batch])
            for index, answer in zip(batch, found, strict=True):
                item_id = questions[index].item.id
                if item_id not in skip:
                    yield item_id, self._row(questions[index], answer)

    def _choices(self, item: Item) -> list[Choice]:
        if self.suite.likelihood is not Likelihood.labels:
            return []
        return label_choices(self.checkpoint.tokenizer, item.messages, list(item.choices))

    def _row(self, question: _Question, answer: Answer) -> dict[str, dict]:
        text = self.checkpoint.tokenizer.decode(answer.reply_ids, skip_special_tokens=True)
        assert isinstance(text, str)
        known = _Known(
            id=question.item.id,
            language=question.item.language,
            suite=self.suite.name,
            split=self.part.split,
            system=self.system_name,
            prompt_sha256=sha256_of_json(list(question.ids)),
        )
        reply = Reply(
            **known,
            reply=text,
            state=_state(text, ended=answer.ended),
            num_tokens=len(answer.reply_ids),
        )
        if not answer.label_logprobs:
            return {"reply": asdict(reply), "scores": {}}
        scores = LabelScores(
            **known,
            label=_by_label(question.item, answer.label_logprobs),
            label_and_end=_by_label(question.item, answer.closed_logprobs),
        )
        return {"reply": asdict(reply), "scores": asdict(scores)}


def _group_by_choices(questions: Sequence[_Question]) -> list[list[_Question]]:
    """Return the questions that offer the same choices together, in the order of the first."""
    groups: dict[tuple[str, ...], list[_Question]] = {}
    for question in questions:
        groups.setdefault(question.item.choices, []).append(question)
    return list(groups.values())


def _by_label(item: Item, logprobs: Sequence[float]) -> dict[str, float]:
    rounded = (round(value, _LOGPROB_DIGITS) for value in logprobs)
    return dict(zip(item.choices, rounded, strict=True))


def _state(text: str, *, ended: bool) -> State:
    if not text.strip():
        return State.empty
    return State.ok if ended else State.truncated
