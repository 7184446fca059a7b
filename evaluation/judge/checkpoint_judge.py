"""An open-weights judge on this machine: a checkpoint that is asked in chunks, each one kept."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ...data.hardware import Precision, num_cores, pick_precision
from ...data.manifest import Json, sha256_of_json
from ...data.progress import progress_bar, say
from ..journal import JOURNAL_ENDING, Journal
from ..reply import State
from ..system import Kind, System
from ..vendors.question import Answer, Question, Usage

if TYPE_CHECKING:
    from .slots import Filled, SlotJudge

_AT_ONCE = 8
"""Questions between two lines of the journal's growth: what a kill loses at most."""


class CheckpointAsk:
    """Answers from the journal what is there; loads the checkpoint for the rest.

    Args:
        folder: of the checkpoint.
        base: what an adapter stands on; else the folder itself.
        journal: file without its ending.
        reason_tokens: longest reasons.
        batch_tokens: tokens of one forward pass.
        threads: of the CPU; 0 for all cores.
    """

    def __init__(
        self,
        folder: Path,
        *,
        base: Path,
        identity: Mapping[str, Json],
        journal: Path,
        reason_tokens: int,
        batch_tokens: int,
        threads: int,
    ) -> None:
        self._system = System(
            name="judge",
            kind=Kind.checkpoint,
            label=folder.name,
            key=sha256_of_json(dict(identity)),
            licence="",
            folder=folder,
            base=base,
        )
        self._journal = journal.with_name(journal.name + JOURNAL_ENDING)
        self._reason_tokens, self._batch_tokens = reason_tokens, batch_tokens
        self._threads = threads
        self._judge: SlotJudge | None = None

    def __call__(self, questions: Sequence[Question]) -> Mapping[str, Answer]:
        """Return the answer to every question; one that is too long ends in an error state."""
        with Journal(self._journal, key=self._system.key) as journal:
            todo = [one for one in questions if one.key not in journal.rows]
            if todo:
                self._answer(todo, journal)
            return {one.key: _answer(journal.rows[one.key]["answer"]) for one in questions}

    def _answer(self, questions: Sequence[Question], journal: Journal) -> None:
        judge = self._load()
        with progress_bar(total=len(questions), label="judge", unit="verdict") as bar:
            for start in range(0, len(questions), _AT_ONCE):
                chunk = questions[start : start + _AT_ONCE]
                filled = judge.fill(
                    [one.messages for one in chunk], [_schema(one) for one in chunk]
                )
                for question, made in zip(chunk, filled, strict=True):
                    journal.add(question.key, {"answer": _row(made)})
                bar.update(len(chunk))

    def _load(self) -> "SlotJudge":
        if self._judge is None:
            import torch

            from ..checkpoint import load_checkpoint
            from .slots import SlotJudge

            threads = self._threads or num_cores()
            torch.set_num_threads(threads)
            precision = pick_precision(Precision.auto)
            say("judge", f"reads {self._system.folder} in {precision.name}, {threads} threads")
            self._judge = SlotJudge(
                load_checkpoint(self._system, precision=precision),
                reason_tokens=self._reason_tokens,
                batch_tokens=self._batch_tokens,
            )
        return self._judge


def _schema(question: Question) -> Mapping[str, Json]:
    assert question.schema is not None
    return question.schema


def _row(made: "Filled | None") -> dict[str, Json]:
    if made is None:
        return {"text": "", "state": str(State.error), "input": 0, "output": 0}
    return {
        "text": made.text,
        "state": str(State.ok),
        "input": made.prompt_tokens,
        "output": made.reason_tokens,
    }


def _answer(row: Mapping[str, Json]) -> Answer:
    return Answer(
        text=str(row["text"]),
        state=State(str(row["state"])),
        model="",
        usage=Usage(int(str(row["input"])), int(str(row["output"]))),
    )
