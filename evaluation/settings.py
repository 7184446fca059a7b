"""What ``evaluate`` and ``compare`` can be told; light, so that a finished run starts nothing."""

from dataclasses import dataclass, field
from pathlib import Path

from ..data.base_model import ModelConfig
from ..data.config import check_run_name
from ..data.hardware import Precision
from ..data.suite import Suite
from .cost import ServingCost
from .gates.thresholds import GateThresholds
from .server.settings import ServerConfig


@dataclass(kw_only=True, slots=True)
class BaselineConfig:
    """A frozen recording of another system's replies; it is compared with, never trained on."""

    label: str
    """Name for tables."""
    suite: str
    path: str
    """JSONL with id, model, response, and ``gold`` or ``reference`` where there is one.

    ``{region}`` stands for the language, ``items:`` for the user's folder of benchmarks."""
    model: str
    """Rows of this model are read; the file may hold others. Empty: rows that name no model."""
    model_date: str
    """When it was asked, as in 2023-08/09."""
    shots: int
    prompt_language: str
    """Region code of the language of the prompt's instruction."""
    unasked_labels: list[str] = field(default_factory=list)
    """Labels of the suite that the recorded prompt did not offer."""
    licence: str
    source: str

    def __post_init__(self) -> None:
        if "{region}" not in self.path:
            raise ValueError(f"baseline.path needs {{region}} for the language, got {self.path!r}")


@dataclass(kw_only=True, slots=True)
class AnswersConfig:
    """How a checkpoint answers."""

    max_new_tokens: int
    """Longest reply, where the suite allows as much; 0: the suite's own. A longer one is cut."""
    batch_tokens: int
    """Padded prompt tokens of one forward pass; lower when memory runs out."""
    precision: Precision = Precision.auto
    threads: int = 0
    """CPU threads; 0 for all cores this process may use."""
    temperature: float = 0.0
    """0: the likeliest token each time; above, tokens are drawn."""
    samples: int = 1
    """Replies to each item; more than one needs a temperature above 0."""
    seed: int = 0
    """Of the draws."""

    def __post_init__(self) -> None:
        if self.max_new_tokens < 0:
            raise ValueError(f"answers.max_new_tokens must be 0 or more, got {self.max_new_tokens}")
        for name in ("batch_tokens", "samples"):
            if getattr(self, name) < 1:
                raise ValueError(f"answers.{name} must be 1 or more, got {getattr(self, name)}")
        if not 0 <= self.temperature <= 2:
            raise ValueError(f"answers.temperature must lie in [0, 2], got {self.temperature}")
        if self.samples > 1 and self.temperature == 0:
            raise ValueError(
                f"answers.samples={self.samples} at temperature 0 gives the same reply so often: "
                "set answers.temperature, or samples=1"
            )


@dataclass(kw_only=True, slots=True)
class ProcessesConfig:
    """The processes that ``evaluate`` starts by itself on this machine."""

    processes: int = 0
    """0: one for each GPU, else 1. Under torchrun and srun this is not used."""

    def __post_init__(self) -> None:
        if self.processes < 0:
            raise ValueError(f"launch.processes must be 0 or more, got {self.processes}")


@dataclass(kw_only=True, slots=True)
class EvaluateConfig:
    """Everything ``lokal evaluate`` can be told; it names one system."""

    name: str
    root: str = "runs"
    overwrite: bool = False
    system: str
    """Name of the system in this run, and of its folder."""
    suite: Suite
    """One benchmark, or a choice of several: quick, core, full, safety, english, scenarios."""
    split: str
    languages: list[str]
    items_root: str | None = None
    """Folder with the benchmarks that are not shipped, or with folders of them."""
    skip_missing: bool = False
    """Go on without benchmarks of a choice whose items are not there."""
    option_orders: int = 1
    """How often lettered options are asked, each time in another order; 1: only the file's own."""
    checkpoint: str | None = None
    """Finished folder: a whole Llama checkpoint or a PEFT adapter."""
    model: ModelConfig | None = None
    baseline: BaselineConfig | None = None
    server: ServerConfig | None = None
    frozen: str | None = None
    """Folder with a system's finished replies, which are taken as they are."""
    answers: AnswersConfig
    launch: ProcessesConfig = field(default_factory=ProcessesConfig)

    def __post_init__(self) -> None:
        check_run_name(self.name)
        if not self.languages:
            raise ValueError("languages is empty: name at least one, as in languages=[id,en]")
        if not self.system or "/" in self.system or self.system.startswith("."):
            raise ValueError(f"system must be a plain folder name, got {self.system!r}")
        systems = (self.checkpoint, self.model, self.baseline, self.server, self.frozen)
        if (given := sum(system is not None for system in systems)) != 1:
            raise ValueError(
                "give one of checkpoint=FOLDER, model=NAME, baseline=NAME, server=NAME and "
                f"frozen=FOLDER: got {given} of them"
            )
        if self.option_orders < 1 or (self.option_orders > 1 and self.baseline is not None):
            raise ValueError(
                f"option_orders must be 1 or more, and 1 for a recording, which cannot be asked "
                f"again: got {self.option_orders}"
            )

    @property
    def folder(self) -> Path:
        """Return ``runs/<name>/generations/<system>``, absolute."""
        return (Path(self.root) / self.name / "generations" / self.system).resolve()

    @property
    def scorings_file(self) -> Path:
        """Return the list of who was scored on a test split, for all runs below the root."""
        return (Path(self.root) / "test_scored.jsonl").resolve()


@dataclass(kw_only=True, slots=True)
class StatisticsConfig:
    """How sure the words on the page are."""

    confidence: float
    """Of every interval; 0.95 for 95 %."""
    power: float
    """For the smallest difference that the items can show."""
    resamples: int
    """Of the bootstrap that checks the paired interval."""
    seed: int
    corpus_resamples: int
    """Of the bootstrap of corpus metrics (chrF++), which is their only interval."""
    min_items: int
    """Fewer independent items (clusters) than this are too few for a word."""
    worth_showing: float
    """A difference worth knowing: the page says how many items would show it."""
    max_unread: float
    """A row with a larger share of replies without a readable answer is marked."""
    min_coverage: float
    """Below this share of replies the worst case has to agree with the word."""

    def __post_init__(self) -> None:
        for name in ("confidence", "power"):
            if not 0.5 <= getattr(self, name) < 1:
                raise ValueError(
                    f"statistics.{name} must lie in [0.5, 1), got {getattr(self, name)}"
                )
        for name in ("worth_showing", "max_unread", "min_coverage"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"statistics.{name} must lie in [0, 1], got {getattr(self, name)}")
        if self.worth_showing == 0:
            raise ValueError("statistics.worth_showing must be above 0: 0.05 is five points")
        if self.min_items < 2 or min(self.resamples, self.corpus_resamples) < 1:
            raise ValueError("statistics: min_items must be 2 or more, resamples 1 or more")


@dataclass(kw_only=True, slots=True)
class CompareConfig:
    """Everything ``lokal compare`` can be told."""

    name: str
    root: str = "runs"
    overwrite: bool = True
    suite: Suite
    """One benchmark, or a choice of several: quick, core, full, safety, english, scenarios."""
    split: str
    items_root: str | None = None
    """Folder with the benchmarks that are not shipped, as ``lokal evaluate`` was told."""
    skip_missing: bool = False
    """Go on without benchmarks whose items are not there; the page lists them."""
    regions: list[str]
    anchor: str
    """Language in which parent and child are compared for forgetting."""
    parent: str
    """System of the parent checkpoint."""
    child: str
    """System of each region's child; ``{region}`` stands for the region."""
    baselines: list[str]
    """Further systems, as recordings of vendors' models, in the order of the table."""
    corpora: dict[str, str] = field(default_factory=dict)
    """Corpus folder by region, for the decontamination count; may be empty."""
    models: dict[str, str] = field(default_factory=dict)
    """Model folder by region, for the training figures; may be empty."""
    failed: dict[str, str] = field(default_factory=dict)
    """Regions that could not be compared, with the reason; the page and the table say so."""
    gates: GateThresholds
    costs: ServingCost = field(default_factory=ServingCost)
    price_table: str = "vendors"
    """Table of vendors' prices: a file of ``configs/prices``."""
    published_table: str = "scores"
    """Table of published scores, for context: a file of ``configs/published``; empty: none."""
    exit_by_verdict: bool
    """End with code 3 where a gate fails and 4 where nothing is decided; else always with 0."""
    statistics: StatisticsConfig

    def __post_init__(self) -> None:
        check_run_name(self.name)
        if not self.regions:
            raise ValueError("regions is empty: name at least one, as in regions=[id,hi,tl]")
        if taken := sorted({"parent", "child"} & set(self.baselines)):
            raise ValueError(f"baselines: {taken[0]} is the name of what they are compared with")
        if self.anchor in self.regions:
            raise ValueError(f"anchor={self.anchor} measures forgetting: take it out of regions")
        for name, folders in (("corpora", self.corpora), ("models", self.models)):
            if strange := sorted(set(folders) - set(self.regions)):
                raise ValueError(f"{name}.{strange[0]} is not one of regions={self.regions}")
        if both := sorted(set(self.failed) & set(self.regions)):
            raise ValueError(
                f"failed.{both[0]} is one of regions={self.regions}: take it out of one"
            )

    @property
    def items_folder(self) -> Path | None:
        """Return the user's folder of benchmarks."""
        return None if self.items_root is None else Path(self.items_root)

    @property
    def folder(self) -> Path:
        """Return ``runs/<name>/report``, absolute."""
        return (Path(self.root) / self.name / "report").resolve()

    @property
    def scorings_file(self) -> Path:
        """Return the list of who was scored on a test split, for all runs below the root."""
        return (Path(self.root) / "test_scored.jsonl").resolve()

    def child_of(self, region: str) -> str:
        """Return the system name of a region's child."""
        return self.child.replace("{region}", region)

    @property
    def inputs(self) -> list[Path]:
        """Return the finished folders that the report is made from."""
        systems = [self.parent, *map(self.child_of, self.regions), *self.baselines]
        others = [*self.corpora.values(), *self.models.values()]
        judged = [path.parent for path in sorted(self.run.glob("judge/*/manifest.json"))]
        folders = [Path(folder).resolve() for folder in others]
        return [*map(self.generations, systems), *judged, *folders]

    @property
    def run(self) -> Path:
        """Return ``runs/<name>``, absolute."""
        return (Path(self.root) / self.name).resolve()

    def generations(self, system: str) -> Path:
        """Return the folder of one system's replies."""
        return (Path(self.root) / self.name / "generations" / system).resolve()
