"""An item's choices as continuations of its prompt.

Choices are what the item lists as answers: letters, labels or whole texts. Each is scored as the
reply that training puts behind the prompt, without and with the end of the turn.
"""

from collections.abc import Sequence
from typing import NamedTuple

from transformers import PreTrainedTokenizerBase

from ...data.chat import encode_prompt
from ...data.message import Message
from ..checkpoint import Choice, label_choices
from .scorer import Prompt, Score


class Question(NamedTuple):
    """A prompt and its choices as token ids."""

    prompt: Prompt
    choices: list[Choice]


class ChoiceScores(NamedTuple):
    """Log-likelihood of each choice of one item, in the item's order."""

    choice: list[float]
    """Summed over the choice's tokens."""
    choice_and_end: list[float]
    """The same with what ends the turn."""


class QuestionEncoder:
    """Turns messages and choices into tokens; equal choices are encoded once."""

    def __init__(self, tokenizer: PreTrainedTokenizerBase) -> None:
        self._tokenizer = tokenizer
        self._known: dict[tuple[tuple[str, ...], tuple[str, ...]], list[Choice]] = {}

    def encode(self, messages: Sequence[Message], choices: Sequence[str]) -> Question:
        """Return the prompt with its choices."""
        # A reply is encoded apart from its prompt: only the roles before it could matter.
        key = (tuple(turn["role"] for turn in messages), tuple(choices))
        if key not in self._known:
            self._known[key] = label_choices(self._tokenizer, list(messages), list(choices))
        found = self._known[key]
        ids = encode_prompt(self._tokenizer, messages)
        return Question(Prompt(ids, [[*choice.ids, *choice.end_ids] for choice in found]), found)


def choice_scores(question: Question, scores: Sequence[Score]) -> ChoiceScores:
    """Return the sums of a question's scores, as ``Scorer`` gives them."""
    pairs = list(zip(question.choices, scores, strict=True))
    return ChoiceScores(
        [sum(score.logprobs[: len(choice.ids)]) for choice, score in pairs],
        [score.total for _, score in pairs],
    )
