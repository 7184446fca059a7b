"""Drops rows, and cuts lines, in another language where the detectors are believed."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from datatrove.data import Document

from ..document import metadata_of, note
from ..language.config import LanguageConfig, Lines
from ..language.detect import Detector, Finding
from ..language.fasttext_model import FastTextModel, second_model
from ..language.line_votes import vote
from ..language.lines import next_fence
from ..language.register import Registers
from ..region import Region
from ..scripts import count_letters
from .script_gate import judge_register
from .step import Gate, Verdict

_EMPTY_LINES = re.compile(r"\n{3,}")
_PURE_SHARE = 0.97
_MIN_PROSE_LETTERS = 200
_SECOND_MIN_LETTERS = 40
_SECOND_SURE = 0.8


class _Split(NamedTuple):
    """A document by lines."""

    kept: list[str]
    own_letters: int
    other_letters: Counter[str]
    other_lines: Counter[str]


class LanguageGate(Gate):
    """Keeps genuine short and code-switched rows; figures: docs/decisions/language-gate.md."""

    name = "language gate"
    step = "language"

    def __init__(self, region: Region, config: LanguageConfig) -> None:
        super().__init__()
        self.config = config
        self.registers = Registers(region, config.registers)
        self.detector = Detector(
            region, min_own_share=config.min_own_share, register_lists=self.registers.lists
        )
        self.second: FastTextModel | None = None
        self.own_codes = {region.code, region.iso639_3, region.cld2, *region.same_class}
        self.own_codes |= {code.partition("_")[0] for code in region.flores}

    def stream(self, documents: Iterable[Document], *, rank: int) -> Iterator[Document]:
        """Judge the stream; a second model is read in the process that needs it."""
        self.second = second_model(self.config)
        yield from super().stream(documents, rank=rank)

    def judge(self, document: Document) -> Verdict | None:
        """Note what is found, cut lines; return a verdict where the row is in another language."""
        metadata = metadata_of(document)
        if metadata["register"]:  # the script gate has judged it
            return None
        words = self.detector.read(document.text)
        finding = self.detector.judge(document.text, words)
        metadata["cld2_language"] = finding.cld2
        metadata["cld2_own_share"] = round(finding.own_share, 2)
        split = None
        if "\n" in document.text and not self.detector.is_pure(finding, share=_PURE_SHARE):
            split = self._split(document.text)
        if other := self._other_language(document.text, finding, split):
            return Verdict("other language", other)
        if split is not None and split.other_lines:
            self._cut(document, split)
            words = self.detector.read(document.text)
        for register, number in self.registers.words_by_register(words).items():
            note(document, f"register words: {register}", number)
        label = self.registers.find(words, detected=finding.cld2)
        return judge_register(document, label, registers=self.registers) if label else None

    def _other_language(self, text: str, finding: Finding, split: _Split | None) -> str:
        """Return the language a row is dropped for, or ``""``.

        Where there is prose enough to judge by lines, code and tables do not speak for the row.
        """
        if split is not None:
            other_letters = split.other_letters.total()
            total = split.own_letters + other_letters
            if total >= _MIN_PROSE_LETTERS:
                if split.own_letters >= self.config.min_own_share * total:
                    return ""
                return min(split.other_letters, key=lambda code: (-split.other_letters[code], code))
        return finding.other or self._second_says(text, finding)

    def _cut(self, document: Document, split: _Split) -> None:
        """Count the lines in other languages, and cut them out of running text."""
        metadata = metadata_of(document)
        for language, number in sorted(split.other_lines.items()):
            note(document, f"language: {language} line", number)
        is_prose = metadata["messages"] is None and metadata["label"] is None
        if self.config.lines is Lines.drop and is_prose:
            document.text = _EMPTY_LINES.sub("\n\n", "\n".join(split.kept)).strip()
            metadata["num_chars"] = len(document.text)

    def _split(self, text: str) -> _Split:
        kept: list[str] = []
        own_letters, fence = 0, ""
        other_letters: Counter[str] = Counter()
        other_lines: Counter[str] = Counter()
        for line in text.split("\n"):
            is_fence, fence = next_fence(line, fence)
            letters, other = 0, ""
            if not fence and not is_fence and len(line) >= self.config.min_line_letters:
                letters, other, _ = vote(
                    line, self.detector, min_letters=self.config.min_line_letters
                )
            if other:
                other_letters[other] += letters
                other_lines[other] += 1
            else:
                own_letters += letters
                kept.append(line)
        return _Split(kept, own_letters, other_letters, other_lines)

    def _second_says(self, text: str, finding: Finding) -> str:
        """Return another language where CLD2 is unsure, or names it too but needs more letters."""
        if self.second is None or finding.cld2 in self.own_codes:
            return ""
        if finding.own_share >= self.config.min_own_share:
            return ""
        if count_letters(text).total() < _SECOND_MIN_LETTERS:
            return ""
        language, probability = self.second.detect(text)
        is_other = language not in self.own_codes and finding.cld2 in ("", language)
        return language if is_other and probability >= _SECOND_SURE else ""
