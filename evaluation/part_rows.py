"""What a checkpoint says to the items of one part: log-likelihoods first, then replies.

A reply that is already known is not made again: where a label with its end is the likeliest token
by token, it is the greedy reply.
"""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import NamedTuple, TypedDict

from ..data.chat import encode_prompt
from ..data.manifest import sha256_of_json
from ..data.suite import Likelihood
from .checkpoint import Checkpoint
from .formats.choice import text_options
from .generation.generator import Generated, Generator, Task, plan_replies
from .generations import Part
from .item import Item
from .likelihood.choices import Question, QuestionEncoder, choice_scores
from .likelihood.options import TextEncoder
from .likelihood.scorer import Prompt, Score, Scorer
from .reply import LabelScores, Reply, State
from .reply_plan import longest_reply, reply_name, reply_seed
from .settings import AnswersConfig

_LOGPROB_DIGITS = 5  # rounding noise of fp32 sums ends below
_HELD_FOR_COMPUTED = 4
"""Tokens of prompts and replies that memory holds for each that a forward pass computes."""


class _Known(TypedDict):
    """What the rows of both files begin with."""

    id: str
    language: str
    suite: str
    split: str
    system: str
    prompt_sha256: str


class _Planned(NamedTuple):
    """One reply that is to be made."""

    name: str
    """Of its row in the journal."""
    item: Item
    sample: int
    task: Task


@dataclass(kw_only=True, slots=True)
class PartRows:
    """One checkpoint, one part: turns items into rows of scores and replies."""

    system_name: str
    checkpoint: Checkpoint
    part: Part
    answers: AnswersConfig

    @property
    def row_names(self) -> list[str]:
        """Return the name of every row: one an item and sample, and one for its scores."""
        names: list[str] = []
        if self.part.suite.likelihood is not Likelihood.none:
            names += [_scores_name(item) for item in self.part.items]
        if self.part.suite.is_generated:
            samples = range(self.answers.samples)
            names += [reply_name(item, sample) for item in self.part.items for sample in samples]
        return names

    @property
    def num_rows(self) -> int:
        """Return how many rows the part has."""
        return len(self.row_names)

    @property
    def num_prompt_tokens(self) -> int:
        """Return how many tokens the prompts of all items have."""
        return sum(len(self._prompt_ids(item)) for item in self.part.items)

    def rows(self, *, done: dict[str, dict[str, dict]]) -> Iterator[tuple[str, dict[str, dict]]]:
        """Yield name and content of every row but those that are done, batch by batch.

        A batch of which a part is done is computed whole: the same batches give the same digits.

        Args:
            done: grows while this goes on; replies begin once all scores are in it.
        """
        match self.part.suite.likelihood:
            case Likelihood.labels:
                yield from self._label_rows(done)
            case Likelihood.texts:
                yield from self._text_rows(done)
            case Likelihood.none:
                pass
        if self.part.suite.is_generated:
            yield from self._reply_rows(done)

    def _label_rows(self, done: dict[str, dict[str, dict]]) -> Iterator[tuple[str, dict]]:
        encoder = QuestionEncoder(self.checkpoint.tokenizer)
        items = self.part.items
        questions = [encoder.encode(item.messages, item.choices) for item in items]
        for index, scores in self._score([question.prompt for question in questions], done):
            item, question = items[index], questions[index]
            sums = choice_scores(question, scores)
            row = LabelScores(
                **self._known(item, question.prompt.ids),
                label=_by_choice(item, sums.choice),
                label_and_end=_by_choice(item, sums.choice_and_end),
            )
            yield (
                _scores_name(item),
                {"scores": asdict(row), "draft": self._draft(question, scores)},
            )

    def _text_rows(self, done: dict[str, dict[str, dict]]) -> Iterator[tuple[str, dict]]:
        """Score the options' texts behind the question alone, without the chat template."""
        encoder = TextEncoder(self.checkpoint.tokenizer)
        items = self.part.items
        questions = [encoder.encode(text_options(item)) for item in items]
        for index, scores in self._score([question.prompt for question in questions], done):
            item, question = items[index], questions[index]
            sums = _by_choice(item, question.sums(scores))
            known = self._known(item, question.prompt.ids)
            row = LabelScores(**known, label=sums, label_and_end=sums)
            yield _scores_name(item), {"scores": asdict(row)}

    def _score(
        self, prompts: Sequence[Prompt], done: dict[str, dict[str, dict]]
    ) -> Iterator[tuple[int, list[Score]]]:
        skip = {index for index, item in enumerate(self.part.items) if _scores_name(item) in done}
        scorer = Scorer(self.checkpoint.model, batch_tokens=self.answers.batch_tokens)
        yield from scorer.stream(prompts, skip=skip)

    def _reply_rows(self, done: dict[str, dict[str, dict]]) -> Iterator[tuple[str, dict]]:
        """Make the replies that are not known from the scores already."""
        planned: list[_Planned] = []
        for reply in self._planned():
            draft = done.get(_scores_name(reply.item), {}).get("draft")
            if draft is None:
                planned.append(reply)
            elif reply.name not in done:
                yield self._reply(reply, Generated(draft["ids"], draft["ended"]))
        longest = longest_reply(self.part.suite, self.answers)
        generator = Generator(
            self.checkpoint.model,
            end_ids=self.checkpoint.end_ids,
            max_new_tokens=longest,
            temperature=self.answers.temperature,
        )
        for batch in plan_replies(
            [reply.task.ids for reply in planned],
            max_new_tokens=longest,
            batch_tokens=_HELD_FOR_COMPUTED * self.answers.batch_tokens,
        ):
            several = [planned[index] for index in batch.members]
            if all(reply.name in done for reply in several):
                continue
            found = generator.generate(
                [reply.task for reply in several], num_prefix=batch.num_prefix
            )
            for reply, generated in zip(several, found, strict=True):
                if reply.name not in done:
                    yield self._reply(reply, generated)

    def _planned(self) -> Iterator[_Planned]:
        for item in self.part.items:
            ids = self._prompt_ids(item)
            for sample in range(self.answers.samples):
                name = reply_name(item, sample)
                task = Task(ids, reply_seed(self.answers.seed, name))
                yield _Planned(name, item, sample, task)

    def _draft(self, question: Question, scores: Sequence[Score]) -> dict | None:
        """Return the reply where it is known from the scores: a choice that is the likeliest."""
        if self.answers.temperature or not self.part.suite.is_generated:
            return None
        longest = longest_reply(self.part.suite, self.answers)
        for choice, score in zip(question.choices, scores, strict=True):
            ids = [*choice.ids, *choice.end_ids]
            is_whole = bool(choice.end_ids) and choice.end_ids[0] in self.checkpoint.end_ids
            if score.is_greedy and is_whole and len(ids) <= longest:
                return {"ids": choice.ids, "ended": True}
        return None

    def _reply(self, planned: _Planned, generated: Generated) -> tuple[str, dict]:
        text = self.checkpoint.tokenizer.decode(generated.ids, skip_special_tokens=True)
        assert isinstance(text, str)
        reply = Reply(
            **self._known(planned.item, planned.task.ids),
            reply=text,
            state=_state(text, ended=generated.ended),
            sample=planned.sample,
            num_tokens=len(generated.ids) + generated.ended,
        )
        return planned.name, {"reply": asdict(reply)}

    def _prompt_ids(self, item: Item) -> list[int]:
        return encode_prompt(self.checkpoint.tokenizer, item.messages)

    def _known(self, item: Item, ids: Sequence[int]) -> _Known:
        return _Known(
            id=item.id,
            language=item.language,
            suite=self.part.suite.name,
            split=self.part.split,
            system=self.system_name,
            prompt_sha256=sha256_of_json(list(ids)),
        )


def _scores_name(item: Item) -> str:
    """Return the name of the journal's row with an item's log-likelihoods."""
    return f"{item.id}#scores"


def _by_choice(item: Item, logprobs: Sequence[float]) -> dict[str, float]:
    rounded = (round(value, _LOGPROB_DIGITS) for value in logprobs)
    return dict(zip(item.choices, rounded, strict=True))


def _state(text: str, *, ended: bool) -> State:
    if not text.strip():
        return State.empty
    return State.ok if ended else State.truncated
