"""Drops texts that are too poor to train on: lists, menus, repetition, scraps."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from datatrove.data import Document

from ..document import metadata_of, note
from ..quality.config import QualityConfig
from ..quality.perplexity import PerplexityModel
from ..quality.prose import ProseJudge
from ..region import Region
from .step import Gate, Verdict


class QualityGate(Gate):
    """Measures each text against the thresholds of its language; writes the quality fields.

    Rows of a task and conversations are measured, but not held to the rules of prose.
    """

    name = "quality gate"
    step = "quality"

    def __init__(self, region: Region, config: QualityConfig) -> None:
        super().__init__()
        self.thresholds = region.quality
        self.config = config
        self._model: PerplexityModel | None = None

    def stream(self, documents: Iterable[Document], *, rank: int) -> Iterator[Document]:
        """Judge the stream; a perplexity model is read in the process that needs it."""
        self._judge = ProseJudge(self.thresholds)
        if self.config.perplexity_model is not None:
            self._model = PerplexityModel(Path(self.config.perplexity_model))
        yield from super().stream(documents, rank=rank)

    def judge(self, document: Document) -> Verdict | None:
        """Write the quality fields; return a verdict for poor prose."""
        metadata = metadata_of(document)
        is_prose = metadata["label"] is None and metadata["messages"] is None
        measure = self._judge.judge if is_prose else self._judge.count
        finding = measure(document.text)
        metadata["num_words"] = finding.num_words
        metadata["stop_share"] = round(finding.stop_share, 4)
        metadata["repeated_share"] = round(finding.repeated_share, 4)
        if finding.num_flagged:
            note(document, "quality: flagged words", finding.num_flagged)
        if finding.fault is not None:
            return Verdict(*finding.fault)
        return self._perplexity_verdict(document) if is_prose else None

    def _perplexity_verdict(self, document: Document) -> Verdict | None:
        if self._model is None:
            return None
        perplexity = self._model.of(document.text)
        metadata_of(document)["perplexity"] = round(perplexity, 1)
        limit = self.config.max_perplexity
        if limit is None or perplexity <= limit:
            return None
        return Verdict("perplexity", f"{perplexity:.0f} > {limit:g}")
