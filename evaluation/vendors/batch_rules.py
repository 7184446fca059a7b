"""What every vendor's batch has to fulfil before it is sent, and how its answers are read."""

import re
from collections.abc import Sequence
from typing import Protocol

from ...data.manifest import Json
from .question import Answer, Question


class ReadBody(Protocol):
    """Reads an answer from the body of a reply."""

    def __call__(self, raw: dict[str, Json], *, requested: str) -> Answer:
        """Return the answer, of the requested model or not."""
        ...


def check_batch(nonce: str, questions: Sequence[Question], *, most: int) -> None:
    """Refuse what a vendor would refuse, or what could not be told apart afterwards.

    Raises:
        ValueError: too many questions or none, one twice, or a nonce that is no short name.
    """
    keys = {question.key for question in questions}
    if not questions or len(questions) > most:
        raise ValueError(f"a batch holds 1 to {most} questions, got {len(questions)}")
    if len(keys) != len(questions):
        raise ValueError("a batch holds each question once: its key is all that tells it apart")
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,20}", nonce):
        raise ValueError(f"a nonce is 1 to 20 letters and digits, got {nonce!r}")
