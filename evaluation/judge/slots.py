"""A checkpoint that fills in a verdict: it writes the reasons, then chooses each word it may say.

A small model seldom writes valid JSON. Here the schema's words are the only ones that it can
choose: its reasons are written freely, up to a quotation mark, and each slot behind them takes the
likeliest of the schema's words, closing quotation mark included. So every answer can be read, and
the rates tell how it judges, not how it spells. Slots do not see each other's words.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from transformers import PreTrainedTokenizerBase

from ...data.chat import encode_prompt, encode_texts
from ...data.manifest import Json
from ...data.message import Message
from ..checkpoint import Checkpoint
from ..generation.generator import Generator, Task, plan_replies
from ..likelihood.scorer import Prompt, Scorer

_OPENING = '{"reasons": "'


class Filled(NamedTuple):
    """One verdict as text, and how many tokens it took."""

    text: str
    prompt_tokens: int
    reason_tokens: int


class _Slot(NamedTuple):
    """One place where a word is chosen."""

    before: str
    """JSON between the end of the reasons and the word."""
    words: Sequence[str]
    path: tuple[str, ...]
    """Field, and for a row of a list its own key's word and the chosen key."""


class SlotJudge:
    """Fills verdicts of any schema that holds reasons, words and lists of rows with a word.

    Args:
        checkpoint: who judges.
        reason_tokens: longest reasons.
        batch_tokens: tokens of one forward pass.
    """

    def __init__(self, checkpoint: Checkpoint, *, reason_tokens: int, batch_tokens: int) -> None:
        self._tokenizer: PreTrainedTokenizerBase = checkpoint.tokenizer
        self._generator = Generator(
            checkpoint.model, end_ids=checkpoint.end_ids, max_new_tokens=reason_tokens
        )
        self._scorer = Scorer(checkpoint.model, batch_tokens=batch_tokens)
        self._reason_tokens, self._batch_tokens = reason_tokens, batch_tokens
        self._most_tokens = checkpoint.model.config.max_position_embeddings

    def fill(
        self, prompts: Sequence[Sequence[Message]], schemas: Sequence[Mapping[str, Json]]
    ) -> list[Filled | None]:
        """Return the verdict on each prompt; None where it is too long for the checkpoint."""
        heads = [[*encode_prompt(self._tokenizer, one), *self._ids(_OPENING)] for one in prompts]
        slots = [list(_slots(schema)) for schema in schemas]
        longest = [max(len(self._ids(slot.before)) for slot in several) for several in slots]
        fits = [
            number
            for number, ids in enumerate(heads)
            if len(ids) + self._reason_tokens + longest[number] + 8 <= self._most_tokens
        ]
        reasons = self._write_reasons([heads[number] for number in fits])
        found: list[Filled | None] = [None] * len(prompts)
        for number, text in zip(fits, reasons, strict=True):
            words = self._choose(heads[number], text, slots[number])
            verdict = _verdict(text, slots[number], words)
            found[number] = Filled(verdict, len(heads[number]), len(self._ids(text)))
        return found

    def _ids(self, text: str) -> list[int]:
        return encode_texts(self._tokenizer, [text])[0] if text else []

    def _write_reasons(self, heads: Sequence[Sequence[int]]) -> list[str]:
        """Return what each says up to a quotation mark, a line's end or its end."""
        found = [""] * len(heads)
        plan = plan_replies(
            heads, max_new_tokens=self._reason_tokens, batch_tokens=self._batch_tokens
        )
        for batch in plan:
            tasks = [Task(heads[index]) for index in batch.members]
            made = self._generator.generate(tasks, num_prefix=batch.num_prefix)
            for index, reply in zip(batch.members, made, strict=True):
                text = str(self._tokenizer.decode(reply.ids, skip_special_tokens=True))
                found[index] = text.partition('"')[0].partition("\n")[0].rstrip("\\")
        return found

    def _choose(self, head: Sequence[int], reasons: str, slots: Sequence[_Slot]) -> list[str]:
        """Return the likeliest word of each slot, of equal ones the first."""
        behind = json.dumps(reasons, ensure_ascii=False)[1:-1]
        prompts = [
            Prompt(
                [*head, *self._ids(behind + slot.before)],
                tuple(self._ids(f'{word}"') for word in slot.words),
            )
            for slot in slots
        ]
        scores = self._scorer.score(prompts)
        return [
            slot.words[max(range(len(several)), key=lambda place: several[place].total)]
            for slot, several in zip(slots, scores, strict=True)
        ]


def _slots(schema: Mapping[str, Json]) -> Iterator[_Slot]:
    """Yield every place with a choice, in the schema's order."""
    for name, field in _mapping(schema["properties"]).items():
        inner = _mapping(field)
        if "enum" in inner:
            yield _Slot(f'", "{name}": "', _words(inner), (name,))
        elif inner.get("type") == "array":
            (key, keys), (choice, choices) = _mapping(
                _mapping(inner["items"])["properties"]
            ).items()
            for word in _words(_mapping(keys)):
                before = f'", "{name}": [{{"{key}": "{word}", "{choice}": "'
                yield _Slot(before, _words(_mapping(choices)), (name, key, word, choice))


def _verdict(reasons: str, slots: Sequence[_Slot], words: Sequence[str]) -> str:
    """Return the whole object as JSON text."""
    found: dict[str, Json] = {"reasons": reasons}
    for slot, word in zip(slots, words, strict=True):
        if len(slot.path) == 1:
            found[slot.path[0]] = word
            continue
        name, key, own, choice = slot.path
        rows = found.setdefault(name, [])
        assert isinstance(rows, list)
        rows.append({key: own, choice: word})
    return json.dumps(found, ensure_ascii=False)


def _mapping(value: Json) -> dict[str, Json]:
    assert isinstance(value, dict)
    return value


def _words(field: Mapping[str, Json]) -> list[str]:
    words = field["enum"]
    assert isinstance(words, list)
    return [str(word) for word in words]
