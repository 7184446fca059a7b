"""Asks a checkpoint all items of one part, batch by batch, and finishes the part."""

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import NamedTuple

import torch

from ..data.chat import encode_prompt
from ..data.hardware import num_cores, pick_precision
from ..data.manifest import Json, sha256_of_json
from ..data.message import Message
from ..data.progress import progress_bar, say
from ..data.region import load_region
from ..data.suite import Item, Suite, items_path, read_items, topic_messages
from .batched_answers import Answer, BatchedAnswers, plan_batches, shared_prefix
from .checkpoint import Checkpoint, label_choices, load_checkpoint
from .generations import Generations, Part
from .journal import Journal
from .reply import LabelScores, Reply, State, to_lines
from .settings import AnswersConfig

_LOGPROB_DIGITS = 5  # rounding noise of fp32 sums ends below


def ask_checkpoint(
    generations: Generations,
    parts: Sequence[Part],
    *,
    suite: Suite,
    split: str,
    answers: AnswersConfig,
) -> None:
    """Load the system's checkpoint once and finish each part."""
    precision = pick_precision(answers.precision)
    threads = answers.threads or num_cores()
    torch.set_num_threads(threads)
    system = generations.system
    say("evaluate", f"reads {system.folder} in {precision.name}, {threads} threads")
    asking = _Asking(
        system_name=system.name,
        checkpoint=load_checkpoint(system, precision=precision),
        suite=suite,
        split=split,
        answers=answers,
    )
    run: dict[str, Json] = {"precision": precision.name, "threads": threads}
    for part in parts:
        _finish_part(generations, part, asking, run)


def _finish_part(
    generations: Generations, part: Part, asking: "_Asking", run: dict[str, Json]
) -> None:
    started_at, started = datetime.now(UTC), time.monotonic()
    questions = asking.questions(part.language)
    say("evaluate", f"{part.name}: {len(questions)} items, writes {generations.file(part)}")
    key = sha256_of_json({"part": part.key, **run})
    with Journal(generations.file(part, ".jsonl.partial"), key=key) as journal:
        num_resumed = len(journal.rows)
        label = f"{asking.system_name} {part.language}"
        with progress_bar(
            total=len(questions), initial=num_resumed, label=label, unit="item"
        ) as bar:
            for item_id, row in asking.rows(questions, skip=set(journal.rows)):
                journal.add(item_id, row)
                bar.update(1)
        rows = [journal.rows[question.item.id] for question in questions]
        replies = [Reply(**row["reply"]) for row in rows]
        scores = [LabelScores(**row["scores"]) for row in rows]
        items = items_path(asking.suite, split=asking.split, language=part.language)
        generations.finish(
            part,
            files={".jsonl": to_lines(replies), ".loglikelihood.jsonl": to_lines(scores)},
            counts={
                "items": len(replies),
                "states": dict(sorted(Counter(str(reply.state) for reply in replies).items())),
                "prompt_tokens": sum(len(question.ids) for question in questions),
                "resumed_items": num_resumed,
                "seconds": round(time.monotonic() - started, 1),
                **run,
            },
            inputs=[*generations.system.inputs(), items],
            started_at=started_at,
            finished_at=datetime.now(UTC),
        )
        journal.remove()


class _Question(NamedTuple):
    item: Item
    messages: list[Message]
    ids: list[int]


@dataclass(kw_only=True, slots=True)
class _Asking:
    """One checkpoint, one suite: turns items into rows."""

    system_name: str
    checkpoint: Checkpoint
    suite: Suite
    split: str
    answers: AnswersConfig

    def questions(self, language: str) -> list[_Question]:
        """Return the items with their prompts, in the suite's order."""
        region = load_region(language)
        found: list[_Question] = []
        for item in read_items(self.suite, split=self.split, language=language):
            messages = topic_messages(region, self.suite, item.text)
            ids = encode_prompt(self.checkpoint.tokenizer, messages)
            found.append(_Question(item, messages, ids))
        return found

    def rows(
        self, questions: list[_Question], *, skip: set[str]
    ) -> Iterator[tuple[str, dict[str, dict]]]:
        """Yield id and rows of every item but those to skip, batch by batch.

        A batch of which a part is skipped is computed whole: the same batches give the same digits.
        """
        prefix = shared_prefix([question.ids for question in questions])
        rests = [question.ids[len(prefix) :] for question in questions]
        engine = BatchedAnswers(
            self.checkpoint.model,
            prefix_ids=prefix,
            choices=label_choices(
                self.checkpoint.tokenizer, questions[0].messages, self.suite.labels
            ),
            end_ids=self.checkpoint.end_ids,
            max_new_tokens=self.answers.max_new_tokens,
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

    def _row(self, question: _Question, answer: Answer) -> dict[str, dict]:
        text = self.checkpoint.tokenizer.decode(answer.reply_ids, skip_special_tokens=True)
        assert isinstance(text, str)
        known = {
            "id": question.item.id,
            "language": question.item.language,
            "suite": self.suite.name,
            "split": self.split,
            "system": self.system_name,
            "prompt_sha256": sha256_of_json(list(question.ids)),
        }
        reply = Reply(**known, reply=text, state=_state(text, ended=answer.ended))
        scores = LabelScores(
            **known,
            label=self._by_label(answer.label_logprobs),
            label_and_end=self._by_label(answer.closed_logprobs),
        )
        return {"reply": asdict(reply), "scores": asdict(scores)}

    def _by_label(self, logprobs: list[float]) -> dict[str, float]:
        rounded = (round(value, _LOGPROB_DIGITS) for value in logprobs)
        return dict(zip(self.suite.labels, rounded, strict=True))


def _state(text: str, *, ended: bool) -> State:
    if not text.strip():
        return State.empty
    return State.ok if ended else State.truncated
