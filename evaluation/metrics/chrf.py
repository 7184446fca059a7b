"""chrF++ by sacrebleu, on texts in which the danda is written one way."""

import re
import unicodedata
from collections.abc import Sequence

from sacrebleu.metrics.chrf import CHRF

_PIPES = re.compile(r"(?<=[\u0900-\u097f])(\s*)(\|{1,2})(?=\s|$|[\"'”’)])")
_SPACE_BEFORE_DANDA = re.compile(r"\s+(?=[।॥])")


def plain_text(text: str) -> str:
    """Return the text in NFC, a pipe after Devanagari as danda, and no space before a danda.

    "है ।", "है|" and "है।" differ in a key press only, but are three different words to chrF++.
    Nothing else is touched: digits stay in the script they are written in.
    """
    text = unicodedata.normalize("NFC", text.strip())
    text = _PIPES.sub(lambda match: "।" if match[2] == "|" else "॥", text)
    return _SPACE_BEFORE_DANDA.sub("", text)


class ChrF:
    """chrF++ (character 1- to 6-grams, words and word pairs, recall twice as heavy).

    A segment is a list of 24 counts. Those of a corpus are their sum, so that a bootstrap draws
    segments without reading a text again.
    """

    NUM_STATISTICS = 24

    def __init__(self) -> None:
        self._metric = CHRF(word_order=2)

    def statistics(self, reply: str, references: Sequence[str]) -> list[float]:
        """Return the segment's counts: in reply, in reference and in both, by order of n-gram.

        Of several references the one nearest to the reply counts. sacrebleu gives these counts
        under a private name; a test holds their sum against its own corpus score.
        """
        known = [[plain_text(reference)] for reference in references]
        counts = self._metric._extract_corpus_statistics([plain_text(reply)], known)
        return [float(count) for count in counts[0]]

    def score(self, statistics: Sequence[float]) -> float:
        """Return chrF++ of one segment's counts, or of the sum of many, in [0, 1]."""
        if len(statistics) != self.NUM_STATISTICS:
            raise ValueError(f"chrF++ needs {self.NUM_STATISTICS} counts, got {len(statistics)}")
        return self._metric._compute_f_score(list(statistics)) / 100  # pyright: ignore[reportArgumentType]  sums of counts

    def segment(self, reply: str, references: Sequence[str]) -> float:
        """Return chrF++ of one segment, in [0, 1]."""
        return self.score(self.statistics(reply, references))

    @property
    def signature(self) -> str:
        """Return what makes a score comparable: sacrebleu's signature, and what we write alike."""
        self._metric.num_refs = 1
        return f"{self._metric.get_signature().format()}|norm:nfc+danda"
