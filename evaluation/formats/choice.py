"""Multiple choice: a question, a passage where there is one, and options with letters."""

import re
import unicodedata
from collections.abc import Sequence
from functools import cache

from ...data.message import Message
from ...data.region import Region, load_region
from ...data.suite import Suite
from ..item import Item, Mark
from .format import Row, category_of, cluster_of, expectation_of, text_of

LETTERS = "ABCDEFGHIJ"


class ChoiceFormat:
    """Rows with ``question`` (and ``context``), ``choices`` and the index ``answer``.

    A row with ``continuation`` instead of a question asks which choice it goes on from; one with
    ``premise`` and ``asks`` which choice is its ``cause`` or its ``effect``: the suite's task with
    that word behind it names the prompt.
    """

    corpus = None

    def ask(self, row: Row, *, suite: Suite, region: Region) -> Item:
        """Return the row as an item whose choices are letters."""
        options = _options(row)
        answer = row.get("answer")
        if isinstance(answer, bool) or not isinstance(answer, int):
            raise ValueError(f"answer must be the index of a choice, got {answer!r}")
        if not 0 <= answer < len(options):
            raise ValueError(f"answer is {answer}, but there are {len(options)} choices from 0 on")
        return Item(
            id=text_of(row, "id"),
            language=region.code,
            messages=_messages(row, options, suite=suite, region=region),
            choices=tuple(LETTERS[: len(options)]),
            gold=(LETTERS[answer],),
            cluster=cluster_of(row, suite),
            category=category_of(row, suite),
            expect=expectation_of(suite, region),
            row=row,
        )

    def score(self, item: Item, reply: str) -> Mark:
        """Return 1 for the right letter; a reply that names none or several is wrong."""
        options = _options(item.row)
        marker = load_region(item.language).prompts.get("answer", "")
        answer = extract_letter(reply, options, marker=marker)
        return Mark(float(answer == item.gold[0]), answer)


def text_options(item: Item) -> list[tuple[str, str]]:
    """Return for each choice what stands before, and the text whose log-likelihood counts.

    The question alone stands before the choices, with the language's word for an answer, as the
    usual harnesses ask it; a choice that a row's ``continuation`` goes on from stands before that,
    and a cause or an effect goes on from its premise.
    """
    row, options = item.row, _options(item.row)
    if "continuation" in row:
        return [(option, f" {row['continuation']}") for option in options]
    if "premise" in row:
        link = load_region(item.language).prompt(f"link_{row['asks']}", [])
        before = f"{str(row['premise']).strip().rstrip('.।')} {link}"
        return [(before, f" {option[:1].lower()}{option[1:]}") for option in options]
    marker = load_region(item.language).prompts.get("answer", "Answer")
    passage = f"{row['context']}\n\n" if "context" in row else ""
    before = f"{passage}{str(row['question']).strip()}\n{marker}:"
    return [(before, f" {option}") for option in options]


def extract_letter(reply: str, options: Sequence[str], *, marker: str = "") -> str | None:
    """Return the letter that the reply answers with, or None if it names none or several.

    In this order: behind the last marker (``Answer:`` and its word in the item's language), at the
    reply's beginning, the only letter in it, the only option whose text it holds.
    """
    text = unicodedata.normalize("NFKC", reply).strip()
    letters = LETTERS[: len(options)]
    if marked := _marked(marker, letters).findall(text):
        return marked[-1].upper()
    if opening := re.match(rf"\W*([{letters}])(?!\w)(?!')", text):
        return opening[1]
    alone = set(re.findall(rf"(?<!\w)([{letters}])(?!\w)(?!')", text))
    if alone:
        return alone.pop() if len(alone) == 1 else None
    folded = text.casefold()
    named = [
        letter
        for letter, option in zip(letters, options, strict=True)
        if unicodedata.normalize("NFKC", option).strip().casefold() in folded
    ]
    return named[0] if len(named) == 1 else None


@cache
def _marked(marker: str, letters: str) -> re.Pattern[str]:
    words = "|".join(re.escape(word) for word in dict.fromkeys([marker, "Answer"]) if word)
    return re.compile(rf"(?:{words})\W{{0,12}}([{letters}])(?!\w)", re.IGNORECASE)


def _options(row: Row) -> list[str]:
    choices = row.get("choices")
    if not isinstance(choices, list) or not 2 <= len(choices) <= len(LETTERS):
        raise ValueError(f"choices must be a list of 2 to {len(LETTERS)} texts, got {choices!r}")
    if wrong := [choice for choice in choices if not isinstance(choice, str) or not choice.strip()]:
        raise ValueError(f"choices must hold texts, got {wrong[0]!r}")
    return [str(choice) for choice in choices]


def _messages(row: Row, options: Sequence[str], *, suite: Suite, region: Region) -> list[Message]:
    task = suite.task
    if "premise" in row:
        if row.get("asks") not in ("cause", "effect"):
            raise ValueError(f"asks must be cause or effect, got {row.get('asks')!r}")
        task = f"{task}_{row['asks']}"
    asked = next((name for name in ("premise", "question") if name in row), "continuation")
    lines = [text_of(row, "context"), ""] if "context" in row else []
    lines.append(text_of(row, asked))
    lines += [f"{letter}. {option}" for letter, option in zip(LETTERS, options, strict=False)]
    return [
        Message(role="system", content=region.prompt(task, [])),
        Message(role="user", content="\n".join(lines)),
    ]


FORMAT = ChoiceFormat()
