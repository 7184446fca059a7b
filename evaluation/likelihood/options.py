"""Options as plain text behind a question: which tokens of them count."""

from collections.abc import Sequence
from typing import NamedTuple

from transformers import PreTrainedTokenizerBase

from ...data.chat import encode_texts
from .scorer import Prompt, Score
from .token_tree import common_length


class TextQuestion(NamedTuple):
    """What all options begin with, what each goes on with, and how much of that counts."""

    prompt: Prompt
    num_scored: list[int]
    """Last tokens of each continuation that belong to the option."""

    def sums(self, scores: Sequence[Score]) -> list[float]:
        """Return the log-likelihood of each option, as ``Scorer`` gave its tokens."""
        pairs = zip(scores, self.num_scored, strict=True)
        return [sum(score.logprobs[-number:]) for score, number in pairs]


class TextEncoder:
    """Turns what stands before an option, and its text, into tokens without the chat template.

    Text and option are encoded together and cut where the text alone ends, as lm-eval does.
    """

    def __init__(self, tokenizer: PreTrainedTokenizerBase) -> None:
        self._tokenizer = tokenizer
        first = tokenizer.bos_token_id
        first = tokenizer.eos_token_id if first is None else first
        assert isinstance(first, int)
        self._first = first

    def encode(self, options: Sequence[tuple[str, str]]) -> TextQuestion:
        """Return the question of some options, each a text before it and its own."""
        befores = encode_texts(self._tokenizer, [before for before, _ in options])
        wholes = encode_texts(self._tokenizer, [before + text for before, text in options])
        num_scored = [
            max(1, len(whole) - len(before)) for before, whole in zip(befores, wholes, strict=True)
        ]
        shared = min(
            min(len(whole) - number for whole, number in zip(wholes, num_scored, strict=True)),
            min(common_length(wholes[0], whole) for whole in wholes),
        )
        prompt = Prompt([self._first, *wholes[0][:shared]], [whole[shared:] for whole in wholes])
        return TextQuestion(prompt, num_scored)
