"""What ``lokal prepare`` can be told: corpus, sources, gates, split, engine."""

from dataclasses import dataclass, field
from enum import Enum

from .cleaning.boilerplate_config import BoilerplateConfig
from .cleaning.markup_config import MarkupConfig
from .config import check_run_name
from .decontamination.held_items import DecontaminateConfig
from .dedup.config import DedupConfig
from .language.config import LanguageConfig
from .pii.config import PiiConfig
from .quality.config import QualityConfig
from .region import Region


class Format(Enum):
    """How a source is stored."""

    jsonl = "jsonl"
    """One JSON object a line; plain, ``.gz`` or ``.zst``."""
    parquet = "parquet"
    text = "text"
    """UTF-8 text, one document a file; plain, ``.gz`` or ``.zst``."""
    wet = "wet"
    """WARC records that hold extracted text, such as Common Crawl's WET files."""
    dataset = "dataset"
    """A folder: what ``save_to_disk`` of ``datasets`` wrote, or files that it can load."""
    hub = "hub"
    """A data set that ``datasets.load_dataset`` finds by name, streamed."""


class Kind(Enum):
    """What a source's rows are for."""

    text = "text"
    """Running text."""
    task = "task"
    """A text with the right label of a suite, or columns with a right answer; becomes one
    conversation."""
    chat = "chat"
    """A conversation, in ``messages`` or another form."""
    preference = "preference"
    """A prompt with a better and a worse reply: ``prompt``, ``chosen``, ``rejected``; with
    ``suite`` or ``task``, the right label against a wrong one."""


class ChatFormat(Enum):
    """How a chat row is stored."""

    messages = "messages"
    """A list of turns with ``role`` and ``content``; perhaps ``tool_calls``, and ``tools``."""
    alpaca = "alpaca"
    """``instruction``, ``output``; perhaps ``input``, ``system``, ``history``."""
    sharegpt = "sharegpt"
    """``conversations`` with ``from`` and ``value``; perhaps ``system``, ``tools``."""
    prompt = "prompt"
    """``prompt`` and ``completion``, texts or turns; perhaps ``system``."""


class Labels(Enum):
    """Which words a task's answers are."""

    native = "native"
    """The language's own, as the instructions list them."""
    as_is = "as_is"
    """Those of the data."""


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
    """A dotted path such as ``content.body`` leads into a row; a list's texts become paragraphs."""
    url_field: str = "url"
    licence_field: str | None = None
    """Column with each row's own licence, which wins over ``licence``."""
    where: dict[str, str] = field(default_factory=dict)
    """Take only rows whose column has one of these values: ``{language_code: "tgl,fil"}``."""
    label_field: str = "label"
    messages_field: str = "messages"
    chat_format: ChatFormat = ChatFormat.messages
    """For ``kind=chat``."""
    columns: dict[str, str] = field(default_factory=dict)
    """Fields of a chat, task or pair that are named otherwise: ``{prompt: inputs}``."""
    suite: str | None = None
    """For ``kind=task`` or ``preference``: the suite whose prompt and labels are used."""
    task: str | None = None
    """For ``kind=task`` in place of ``suite``: one of the region's instructions: ``sentiment``."""
    labels: Labels = Labels.native
    """For ``task``: the words of its answers."""
    limit_rows: int | None = None
    """Read so many rows of each file, or of the data set."""
    hub_config: str | None = None
    hub_split: str = "train"
    """Also for ``format=dataset``; several with commas."""
    hub_data_files: str | None = None
    """Files of the data set, as a glob."""
    hub_data_dir: str | None = None
    hub_parts: int = 1
    """Streams to read the data set in, side by side; it must have so many files to gain from it."""
    hub_revision: str | None = None
    """Commit of the data set; without one, the newest is read and the run cannot be repeated."""
    gated: bool = False
    """The data set's page asks to accept terms first; then HF_TOKEN must be set."""

    def __post_init__(self) -> None:
        if self.kind is Kind.preference and self.suite is not None and self.task is not None:
            raise ValueError(
                "a source with kind=preference takes suite or task, not both: got "
                f"suite={self.suite}, task={self.task}"
            )
        if self.kind is Kind.task and (self.suite is None) == (self.task is None):
            raise ValueError(
                "a source with kind=task needs either suite=..., whose labels it carries, or "
                f"task=..., whose instructions are used: got suite={self.suite}, task={self.task}"
            )
        if self.limit_rows is not None and self.limit_rows < 1:
            raise ValueError(f"limit_rows must be 1 or more, got {self.limit_rows}")
        if self.hub_parts < 1:
            raise ValueError(f"hub_parts must be 1 or more, got {self.hub_parts}")


class OnBadRow(Enum):
    """What a row that cannot be read does."""

    drop = "drop"
    """It is counted and kept among the dropped rows, with its place."""
    stop = "stop"
    """It ends the run with one line."""


@dataclass(kw_only=True, slots=True)
class Corpus:
    """A named list of sources; where two hold the same text, the earlier one keeps it."""

    name: str
    sources: dict[str, Source]
    skip_missing: bool = False
    """Go on without a source that is missing, gated or out of reach; it is listed in the funnel."""
    on_bad_row: OnBadRow = OnBadRow.drop
    max_bad_share: float = 0.05
    """A part with more than 10 bad rows that are more than this share of it stops the run."""
    max_row_bytes: int = 20_000_000
    """A longer row is a bad one; it is never held in memory whole (but in Parquet)."""
    part_bytes: int = 64 * 2**20
    """A larger JSONL or Parquet file is read in parts of about this size, side by side."""

    def __post_init__(self) -> None:
        if not 0 <= self.max_bad_share <= 1:
            raise ValueError(f"corpus.max_bad_share must lie in [0, 1], got {self.max_bad_share}")
        for name in ("max_row_bytes", "part_bytes"):
            if getattr(self, name) < 1:
                raise ValueError(f"corpus.{name} must be 1 or more, got {getattr(self, name)}")


class EngineKind(Enum):
    """Which of datatrove's executors runs the stages."""

    local = "local"
    """This machine."""
    slurm = "slurm"
    """A chain of SLURM job arrays, followed until it ends."""


@dataclass(kw_only=True, slots=True)
class Engine:
    """Where the stages run; the result is the same everywhere."""

    kind: EngineKind = EngineKind.local
    workers: int | None = None
    """Tasks at a time. None: local, one process for each 64 MB of input, at most one a core;
    slurm, no limit."""
    partition: str = ""
    """SLURM partition."""
    time_limit: str = "04:00:00"
    """SLURM's limit for one task, ``hours:minutes:seconds``."""
    memory_gb: int = 4
    """Memory that SLURM is asked for, for each task."""
    setup: list[str] = field(default_factory=list)
    """Shell lines before each task: ``module load python``."""
    sbatch: dict[str, str] = field(default_factory=dict)
    """Further options of sbatch: ``{account: nlp, qos: low}``."""

    def __post_init__(self) -> None:
        if self.workers is not None and self.workers < 1:
            raise ValueError(f"engine.workers must be 1 or more, got {self.workers}")
        if self.kind is EngineKind.slurm and not self.partition:
            raise ValueError("engine.partition is empty: name one of those that sinfo lists")


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
    markup: MarkupConfig = field(default_factory=MarkupConfig)
    boilerplate: BoilerplateConfig = field(default_factory=BoilerplateConfig)
    language: LanguageConfig = field(default_factory=LanguageConfig)
    quality: QualityConfig = field(default_factory=QualityConfig)
    pii: PiiConfig = field(default_factory=PiiConfig)
    dedup: DedupConfig = field(default_factory=DedupConfig)
    decontaminate: DecontaminateConfig = field(default_factory=DecontaminateConfig)
    heldout_share: float = 0.02
    """Part of the clean clusters of like rows kept out of training, by a hash of the first id."""
    tokenizer: str | None = None
    """A checkpoint's folder, for the report's fertility: tokens a word and a byte."""
    seed: int = 0

    def __post_init__(self) -> None:
        check_run_name(self.name)
        if not 0 <= self.heldout_share < 1:
            raise ValueError(f"heldout_share must lie in [0, 1), got {self.heldout_share}")
