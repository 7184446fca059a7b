"""Whether a text reads like prose: words, lines and repetition against a language's thresholds."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import filterfalse, repeat
from typing import NamedTuple
from unicodedata import normalize

from .config import QualityThresholds
from .repetition import Ngrams

# A word is what stands between white space and punctuation. Hyphen and apostrophe stay inside
# (mag-aral, Jum'at), and so do vowel signs, nukta and joiners, which \w does not know.
_WORD = re.compile(r"[^\s!-&(-,./:-@\[-`{-~¡«»¿।॥\u2013-\u2015\u201c-\u201f•…、。]+")
_LETTER = re.compile(r"[^\W\d_]")
_LETTER_OR_DIGIT = re.compile(r"[^\W_]")
# With a space: a dash right before a word opens speech in Filipino and Indonesian novels.
_BULLETS = ("- ", "* ", "•", "·", "▪", "►", "‣", "○", "●")
_ENDS = (".", "!", "?", "…", "।", "॥")
_SENTENCE_END = re.compile(r"[.!?…।॥](?=[\s\"'”’»)\]*_]|$)")
_HASHTAG = re.compile(r"(?<!\S)#\w")
_ELLIPSES = ("...", "…")
_FIRST_TOP, _FIRST_REPEATED = 2, 5
"""Words of the shortest n-gram in each list of limits."""


class Fault(NamedTuple):
    """Why a text is not worth training on."""

    reason: str
    """One of few, to be counted."""
    detail: str
    """What was measured, and the threshold."""


class Finding(NamedTuple):
    """What was measured in one text."""

    num_words: int
    num_flagged: int
    stop_share: float
    """Part of the words that are stop words of the language."""
    repeated_share: float
    """Part of the letters in repeated n-grams of the smallest size; 0 below document length."""
    fault: Fault | None


class ProseJudge:
    """Measures texts and compares them with the thresholds of one language."""

    def __init__(self, thresholds: QualityThresholds) -> None:
        self.limits = thresholds
        # In the form of a normalised text: nukta letters are letter + nukta.
        self._stop = frozenset(normalize("NFC", word) for word in thresholds.stop_words)
        self._flagged = frozenset(normalize("NFC", word) for word in thresholds.flagged_words)

    def count(self, text: str) -> Finding:
        """Return the counts of a text that is no prose, such as a conversation; never a fault."""
        counts = Counter(words_of(text))
        num_words = counts.total()
        return Finding(num_words, self._num_flagged(counts), self._stop_share(counts), 0, None)

    def judge(self, text: str) -> Finding:
        """Return what was measured, with the first fault that was found; cheap rules come first."""
        words = words_of(text)
        counts = Counter(words)
        num_flagged = self._num_flagged(counts)
        fault = next(self._word_faults(text, words, counts, num_flagged), None)
        if fault is None and text.count("\n") + 1 >= self.limits.document_lines:
            fault = next(self._line_faults(text, len(words)), None)
        repeated_share = 0.0
        if fault is None and len(words) >= self.limits.document_words:
            fault, repeated_share = self._repetition(words, counts)
        return Finding(len(words), num_flagged, self._stop_share(counts), repeated_share, fault)

    def _word_faults(
        self, text: str, words: Sequence[str], counts: Counter[str], num_flagged: int
    ) -> Iterator[Fault]:
        limits, num_words = self.limits, len(words)
        if num_words < limits.min_words:
            yield Fault("too few words", f"{num_words} < {limits.min_words}")
            return
        if num_words > limits.max_words:
            yield Fault("too many words", f"{num_words} > {limits.max_words}")
        word_chars = sum(map(len, words)) / num_words
        if not limits.min_word_chars <= word_chars <= limits.max_word_chars:
            span = f"{limits.min_word_chars} to {limits.max_word_chars}"
            yield Fault("word length", f"mean {word_chars:.1f}, not {span}")
        alpha = _alpha_share(text, counts, num_words, enough=limits.min_alpha_words)
        if alpha < limits.min_alpha_words:
            yield _below("few words with letters", alpha, limits.min_alpha_words)
        if num_flagged >= limits.min_flagged_words:
            flagged = num_flagged / num_words
            if flagged > limits.max_flagged_words:
                yield _above("flagged words", flagged, limits.max_flagged_words)
        if num_words >= limits.document_words:
            yield from self._document_faults(text, counts, num_words)
        elif len(counts) / num_words < limits.min_distinct_words:
            yield _below("few different words", len(counts) / num_words, limits.min_distinct_words)

    def _document_faults(self, text: str, counts: Counter[str], num_words: int) -> Iterator[Fault]:
        limits = self.limits
        ellipses = (text.count("...") + text.count("…")) / num_words
        if ellipses > limits.max_symbols_per_word:
            yield _above("ellipses", ellipses, limits.max_symbols_per_word)
        # Headings and comments are no hashtags, but the sign alone is counted much faster.
        if text.count("#") / num_words > limits.max_symbols_per_word:
            hashtags = len(_HASHTAG.findall(text)) / num_words
            if hashtags > limits.max_symbols_per_word:
                yield _above("hashtags", hashtags, limits.max_symbols_per_word)
        if self._stop:
            num_stop = len(self._stop & counts.keys())
            if num_stop < limits.min_stop_words:
                yield Fault("few stop words", f"{num_stop} < {limits.min_stop_words}")

    def _line_faults(self, text: str, num_words: int) -> Iterator[Fault]:
        limits = self.limits
        lines = [line for line in map(str.strip, text.split("\n")) if line]
        num_lines = len(lines)
        if num_lines < limits.document_lines:
            return
        bullets = sum(map(str.startswith, lines, repeat(_BULLETS))) / num_lines
        if bullets > limits.max_bullet_lines:
            yield _above("bullet lines", bullets, limits.max_bullet_lines)
        ellipses = sum(map(str.endswith, lines, repeat(_ELLIPSES))) / num_lines
        if ellipses > limits.max_ellipsis_lines:
            yield _above("ellipsis lines", ellipses, limits.max_ellipsis_lines)
        ends = sum(map(str.endswith, lines, repeat(_ENDS))) / num_lines
        if ends < limits.min_sentence_ends:
            # In hard-wrapped prose, few lines end where a sentence does.
            ends = len(_SENTENCE_END.findall(text)) / num_lines
        if ends < limits.min_sentence_ends:
            yield _below("few sentence ends", ends, limits.min_sentence_ends)
        if limits.max_short_lines < 1:
            short = sum(len(line) <= limits.short_line_chars for line in lines) / num_lines
            if short > limits.max_short_lines:
                yield _above("short lines", short, limits.max_short_lines)
        if num_lines / num_words > limits.max_lines_per_word:
            yield _above("list", num_lines / num_words, limits.max_lines_per_word)
        different = dict.fromkeys(lines)
        repeated = 1 - len(different) / num_lines
        if repeated > limits.max_duplicate_lines:
            yield _above("duplicate lines", repeated, limits.max_duplicate_lines)
        repeated_chars = 1 - sum(map(len, different)) / sum(map(len, lines))
        if repeated_chars > limits.max_duplicate_line_chars:
            yield _above("duplicate lines", repeated_chars, limits.max_duplicate_line_chars)

    def _repetition(self, words: Sequence[str], counts: Counter[str]) -> tuple[Fault | None, float]:
        ngrams = Ngrams(words, {word: number for number, word in enumerate(counts)})
        limits = dict(enumerate(self.limits.max_duplicate_ngrams, start=_FIRST_REPEATED))
        top_limits = dict(enumerate(self.limits.max_top_ngrams, start=_FIRST_TOP))
        shares = list(ngrams.repeated(limits))
        repeated_share = shares[0].share if shares else 0.0
        for size, share in ngrams.top(top_limits):
            limit = top_limits[size]
            return _above("one phrase again and again", share, limit, of=size), repeated_share
        for size, share in shares:
            if share > limits[size]:
                return _above("repeated phrases", share, limits[size], of=size), repeated_share
        return None, repeated_share

    def _num_flagged(self, counts: Counter[str]) -> int:
        return sum(map(counts.__getitem__, self._flagged & counts.keys()))

    def _stop_share(self, counts: Counter[str]) -> float:
        return sum(map(counts.__getitem__, self._stop & counts.keys())) / max(1, counts.total())


def words_of(text: str) -> list[str]:
    """Return the words in lower case, without punctuation; Devanagari words stay whole."""
    return _WORD.findall(text.lower())


def _alpha_share(text: str, counts: Counter[str], num_words: int, *, enough: float) -> float:
    """Return the part of the words with a letter; exact only where it is not enough."""
    without = filterfalse(_LETTER.search, filterfalse(str.isalpha, counts))
    share = 1 - sum(map(counts.__getitem__, without)) / num_words
    if share >= enough:
        return share
    # The words' pattern cuts 6,3 and 16.40: count such a number once.
    tokens = [token for token in text.split() if _LETTER_OR_DIGIT.search(token)]
    return sum(_LETTER.search(token) is not None for token in tokens) / max(1, len(tokens))


def _above(reason: str, value: float, limit: float, *, of: int | None = None) -> Fault:
    return Fault(reason, f"{value:.3f} > {limit}" + (f" ({of} words)" if of else ""))


def _below(reason: str, value: float, limit: float) -> Fault:
    return Fault(reason, f"{value:.3f} < {limit}")
