"""What ``lokal prepare`` can be told: corpus, sources, gates, split, engine."""

from dataclasses import dataclass, field
from enum import Enum

from .region import Region


class Format(Enum):
    """How a source is stored."""

    jsonl = "jsonl"
    """One JSON object a line, ``.gz`` or plain."""
    parquet = "parquet"
    text = "text"
    """UTF-8 text, one document a file."""
    hub = "hub"
    """A data set that ``datasets.load_dataset`` finds by name, streamed."""


class Kind(Enum):
    """What a source's rows are for."""

    text = "text"
    """Running text."""
    task = "task"
    """A text with the right label of a suite; becomes one conversation."""
    chat = "chat"
    """A conversation, in ``messages``."""


@dataclass(kw_only=True, slots=True)
class Source:
    """One source of rows; its texts may hold ``{region}`` or another code of the region."""

    path: str
    """``sample:`` file shipped with lokal, a path or glob, or the data set's name for ``hub``."""
    format: Format
    licence: str
    kind: Kind = Kind.text
    url: str = ""
    """Where the source comes from; a row's own ``url`` wins."""
    regions: list[str] = field(default_factory=list)
    """Regions that it serves; empty: every region."""
    id_field: str = "id"
    text_field: str = "text"
    label_field: str = "label"
    messages_field: str = "messages"
    suite: str | None = None
    """For ``kind=task``: the suite whose prompt and labels are used."""
    limit_rows: int | None = None
    """Read so many rows of each file, or of the data set."""
    hub_config: str | None = None
    hub_split: str = "train"
    hub_revision: str | None = None
    """Commit of the data set; without one, the newest is read and the run cannot be repeated."""

    def __post_init__(self) -> None:
        if self.kind is Kind.task and self.suite is None:
            raise ValueError("a source with kind=task needs suite=..., whose labels it carries")
        if self.limit_rows is not None and self.limit_rows < 1:
            raise ValueError(f"limit_rows must be 1 or more, got {self.limit_rows}")


@dataclass(kw_only=True, slots=True)
class Corpus:
    """A named list of sources; where two hold the same text, the earlier one keeps it."""

    name: str
    sources: dict[str, Source]


@dataclass(kw_only=True, slots=True)
class Engine:
    """Where the pipeline runs: datatrove's local executor."""

    workers: int | None = None
    """Processes; None: one for each 64 MB of input, at most one a core. Same result with any."""

    def __post_init__(self) -> None:
        if self.workers is not None and self.workers < 1:
            raise ValueError(f"engine.workers must be 1 or more, got {self.workers}")


@dataclass(kw_only=True, slots=True)
class PrepareConfig:
    """Settings of ``lokal prepare``."""

    name: str
    """The run's name: everything goes to ``<root>/<name>/corpus/<region>``."""
    region: Region
    corpus: Corpus
    engine: Engine
    root: str = "runs"
    overwrite: bool = False
    """Replace finished work that was made with other settings."""
    min_script_share: float = 0.5
    """Part of a row's letters that must be in one of the region's scripts."""
    min_own_share: float = 0.25
    """A row with this part in the region's language stays, whatever the rest (code-switching)."""
    decontaminate: list[str] = field(default_factory=lambda: ["sib200"])
    """Suites whose dev and test items, in every language, may not be in the corpus."""
    heldout_share: float = 0.02
    """Part of the clean rows kept out of training, chosen by a hash of the row's id."""
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("min_script_share", "min_own_share"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name} must lie in [0, 1], got {getattr(self, name)}")
        if not 0 <= self.heldout_share < 1:
            raise ValueError(f"heldout_share must lie in [0, 1), got {self.heldout_share}")
