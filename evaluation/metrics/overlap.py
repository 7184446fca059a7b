"""How much of a right answer stands in a reply, word by word: for spans, summaries, short answers.

Words are runs of letters, marks and digits. A tokenizer that keeps a-z and 0-9 alone, as that of
the ``rouge-score`` package, leaves nothing of a Hindi text.
"""

import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence

from .words import words

_ARTICLES = {"en": frozenset({"a", "an", "the"})}
"""Words that carry nothing in an answer, by language: only English has such."""
_JOINERS = dict.fromkeys(map(ord, "\u200c\u200d"))


def answer_words(text: str, *, language: str) -> list[str]:
    """Return the words that count: NFC, casefolded, without punctuation, joiners and articles."""
    plain = unicodedata.normalize("NFC", text.translate(_JOINERS)).casefold()
    return [word for word in words(plain) if word not in _ARTICLES.get(language, ())]


def exact_match(reply: str, answers: Iterable[str], *, language: str) -> bool:
    """Return whether the reply is one of the answers, by the words that count."""
    given = answer_words(reply, language=language)
    return any(given == answer_words(answer, language=language) for answer in answers)


def token_f1(reply: str, answers: Iterable[str], *, language: str) -> float:
    """Return the best F1 of shared words with any of the answers, as SQuAD counts it."""
    given = answer_words(reply, language=language)
    return max((_f1(given, answer_words(one, language=language)) for one in answers), default=0.0)


def rouge_l(reply: str, references: Iterable[str], *, language: str) -> float:
    """Return the best F1 of the longest common subsequence of words with any reference."""
    given = answer_words(reply, language=language)
    scores: list[float] = []
    for reference in references:
        wanted = answer_words(reference, language=language)
        scores.append(_f_measure(_common_length(given, wanted), len(given), len(wanted)))
    return max(scores, default=0.0)


def contained_answer(reply: str, answers: Iterable[str], *, language: str) -> str | None:
    """Return the first answer whose words stand in the reply, in a row and whole; else None."""
    given = answer_words(reply, language=language)
    for answer in answers:
        wanted = answer_words(answer, language=language)
        starts = range(len(given) - len(wanted) + 1)
        if wanted and any(given[start : start + len(wanted)] == wanted for start in starts):
            return answer
    return None


def _f1(given: Sequence[str], wanted: Sequence[str]) -> float:
    shared = sum((Counter(given) & Counter(wanted)).values())
    return _f_measure(shared, len(given), len(wanted))


def _f_measure(shared: int, num_given: int, num_wanted: int) -> float:
    return 2 * shared / (num_given + num_wanted) if shared else 0.0


def _common_length(first: Sequence[str], second: Sequence[str]) -> int:
    """Return the length of the longest common subsequence, one row of its table at a time."""
    lengths = [0] * (len(second) + 1)
    for word in first:
        diagonal = 0
        for index, other in enumerate(second, start=1):
            above = lengths[index]
            longest = max(above, lengths[index - 1])
            lengths[index] = diagonal + 1 if word == other else longest
            diagonal = above
    return lengths[-1]
