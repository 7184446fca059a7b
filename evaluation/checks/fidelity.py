"""Whether an answer keeps to the wanted language: each line votes with its letters."""

from collections import Counter
from functools import cache
from itertools import chain
from typing import NamedTuple

from ...data.language.detect import Detector
from ...data.language.lexicon import Lexicons, load_words
from ...data.language.line_votes import Vote, vote
from ...data.language.register import Registers
from ...data.region import Region, load_region, region_codes
from ...data.scripts import count_letters
from .prose import prose_lines

MIN_LINE_LETTERS = 20
"""Shorter lines do not vote, as in the language gate."""
_MIN_OWN_SHARE = 0.25
_STYLE_SHARE = 0.12
_MIN_WORDS = 2
_RIVAL_WORDS = 3
_PURE_SHARE = 0.5
MAX_OTHER_SHARE = 0.1
"""One line in ten in another language is one too many: Language Confusion Benchmark's line rule."""
MAX_OTHER_SHARE_MIXED = 0.5
_UNPROVEN_LETTERS = 100
"""So much prose without any proof of the wanted language is another language, or none."""
_BARE_LETTERS = 30
"""CLD2 alone is believed about a line of so many letters with no small word of the language."""
_OWN = ""
_UNKNOWN = "un"
_ENGLISH = "en"


class Fidelity(NamedTuple):
    """What the lines say."""

    is_faithful: bool | None
    """``None``: no line long enough, or no line that any detector is sure of."""
    own_share: float | None
    """Part of the voting letters that is in the wanted language."""
    other: str
    """The other language with the most letters; empty where there is none."""


class FidelityVoter:
    """Line votes for one region; Malay counts as Indonesian here, drift is another check."""

    def __init__(self, language: str) -> None:
        region = load_region(language)
        self._language = language
        self._scripts = region.scripts
        registers = Registers(region, {})
        self._detector = Detector(
            region, min_own_share=_MIN_OWN_SHARE, register_lists=registers.lists
        )
        self._rivals = {
            code: _proving_lists(code) for code in region_codes(anchors=False) if code != language
        }
        self._styles = _styles(region)
        self._function_words = load_words(language) | frozenset(region.quality.stop_words)
        names = [*_proving_lists(language), *chain.from_iterable(self._rivals.values())]
        self._lexicons = Lexicons(dict.fromkeys(names))

    def judge(self, reply: str, *, code_mix: bool) -> Fidelity:
        """Return the verdict over all lines; over the whole text where every line is short."""
        lines = prose_lines(reply)
        letters = self._count(lines, code_mix=code_mix)
        if not letters or set(letters) == {_UNKNOWN}:
            letters = self._count([" ".join(lines)], code_mix=code_mix)
        unknown = letters.pop(_UNKNOWN, 0)
        if not letters and unknown >= _UNPROVEN_LETTERS and not self._own_words(reply):
            return Fidelity(False, 0.0, _UNKNOWN)
        if not letters:
            return Fidelity(None, None, "")
        share = letters[_OWN] / letters.total()
        del letters[_OWN]
        most = MAX_OTHER_SHARE_MIXED if code_mix else MAX_OTHER_SHARE
        other = min(letters, key=lambda code: (-letters[code], code), default="")
        return Fidelity(1 - share <= most, share, other)

    def _count(self, lines: list[str], *, code_mix: bool) -> Counter[str]:
        """Return the letters that vote for each language."""
        votes: Counter[str] = Counter()
        for line in lines:
            said = vote(line, self._detector, min_letters=MIN_LINE_LETTERS)
            is_style = self._is_style(line)
            language = _OWN if is_style else self._ask(line, said)
            if language == _ENGLISH and code_mix and self._has_function_words(line):
                language = _OWN
            votes[language] += said.words.num_letters if is_style else said.letters
        return +votes

    def _ask(self, line: str, said: Vote) -> str:
        """Return the line's language: ``""`` its own, ``un`` where nothing is sure."""
        words = self._lexicons.read(line)
        own = self._own_words(line)
        for code, names in self._rivals.items():
            hits = sum(words.hits(name) for name in names)
            if hits > own and hits >= max(_RIVAL_WORDS, _STYLE_SHARE * words.total):
                return code
        if self._detector.shows_own(said.words):
            return _OWN
        if said.other:
            return said.other
        finding = self._detector.judge(line, said.words)
        letters = count_letters(line)
        if sum(letters[script] for script in self._scripts) < letters.total() / 2:
            return finding.cld2 or max(letters, key=lambda script: letters[script])
        if self._detector.is_pure(finding, share=_PURE_SHARE):
            return _OWN
        is_bare = said.letters >= _BARE_LETTERS and not self._count_function_words(line)
        return finding.other or (finding.cld2 if is_bare else "") or _UNKNOWN

    def _own_words(self, text: str) -> int:
        words = self._lexicons.read(text)
        return sum(words.hits(name) for name in _proving_lists(self._language))

    def _has_function_words(self, line: str) -> bool:
        """Return whether a mixed line stands on this language's small words: ``mo ang … sa …``."""
        hits = self._count_function_words(line)
        return hits >= max(_MIN_WORDS, _STYLE_SHARE * len(line.split()))

    def _count_function_words(self, line: str) -> int:
        words = line.casefold().split()
        return sum(word.strip(".,!?;:()।") in self._function_words for word in words)

    def _is_style(self, line: str) -> bool:
        words = self._lexicons.read(line)
        hits = max((words.hits(name) for name in self._styles), default=0)
        return hits >= max(_MIN_WORDS, _STYLE_SHARE * words.total)


def _styles(region: Region) -> list[str]:
    """Return the lists of styles that prove their language: Jakartan, Hinglish; not Malay words."""
    return [name for name, rule in region.registers.items() if name in rule]


@cache
def _proving_lists(code: str) -> list[str]:
    return [code, *_styles(load_region(code))]


@cache
def fidelity_voter(language: str) -> FidelityVoter:
    """Return the voter of a region; its lists are read once."""
    return FidelityVoter(language)
