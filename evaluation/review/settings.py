"""What ``review`` can be told."""

from dataclasses import dataclass, field
from pathlib import Path

from ...data.config import check_run_name
from ...data.suite import Suite
from .seen import votes_folder


@dataclass(kw_only=True, slots=True)
class ScheduleConfig:
    """How items are shared among reviewers."""

    overlap: float = 0.25
    """Part of the items that every reviewer sees; their agreement rests on these."""
    repeats: float = 0.05
    """Part of a reviewer's items that come once more, the sides turned."""
    golden: float = 0.05
    """Further items, as a part, of which one reply has been spoilt."""
    warm_up: int = 3
    """Items at the beginning that are not counted."""
    per_reviewer: int = 0
    """Most items for one reviewer, without repeats and golden ones; 0: all that are there."""

    def __post_init__(self) -> None:
        for name in ("overlap", "repeats", "golden"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"schedule.{name} must lie in [0, 1], got {getattr(self, name)}")
        for name in ("warm_up", "per_reviewer"):
            if getattr(self, name) < 0:
                raise ValueError(f"schedule.{name} must be 0 or more, got {getattr(self, name)}")


@dataclass(kw_only=True, slots=True)
class ReviewConfig:
    """Whose replies are shown to whom, and where the pages are served."""

    name: str
    root: str = "runs"
    suite: Suite
    """One benchmark, or a choice of several, as ``lokal compare`` was told."""
    split: str
    items_root: str | None = None
    """Folder with the benchmarks that are not shipped."""
    skip_missing: bool = False
    parent: str
    """Folder below generations/ of the parent checkpoint."""
    child: str
    """Of each region's child; ``{region}`` stands for the region."""
    baselines: list[str] = field(default_factory=list)
    """Further systems of the run."""
    side_by_side: list[str]
    """Two or three systems: child, parent and names of baselines."""
    reviewers: dict[str, list[str]]
    """Names by region; who reviews two regions stands in both."""
    schedule: ScheduleConfig = field(default_factory=ScheduleConfig)
    import_votes: str | None = None
    """votes.jsonl of another review of the same items, taken over once."""
    host: str
    """Address to listen on; 127.0.0.1 is reached from this machine alone."""
    port: int
    """0: any that is free."""
    public_host: str = ""
    """Name and port in the reviewers' browser, where a tunnel or proxy changes them."""

    def __post_init__(self) -> None:
        check_run_name(self.name)
        if not any(self.reviewers.values()):
            raise ValueError("reviewers is empty: name some, as in +reviewers.hi=[asha,ravi]")
        for region, names in self.reviewers.items():
            if wrong := [name for name in names if not name.strip() or "/" in name]:
                raise ValueError(f"reviewers.{region} must be names, got {wrong[0]!r}")
            if len(set(names)) < len(names):
                raise ValueError(f"reviewers.{region} names somebody twice: {names}")
        known = ["child", "parent", *self.baselines]
        shown = self.side_by_side
        if not 2 <= len(set(shown)) == len(shown) <= 3 or not set(shown) <= set(known):
            raise ValueError(f"side_by_side must be two or three of {known}, got {shown}")
        if not 0 <= self.port < 65_536:
            raise ValueError(f"port must lie in [0, 65535], got {self.port}")

    @property
    def folder(self) -> Path:
        """Return ``runs/<name>/review``, absolute."""
        return votes_folder(self.root, self.name)

    @property
    def report(self) -> Path:
        """Return ``runs/<name>/report``, absolute."""
        return (Path(self.root) / self.name / "report").resolve()

    @property
    def items_folder(self) -> Path | None:
        """Return the user's folder of benchmarks."""
        return None if self.items_root is None else Path(self.items_root)

    def child_of(self, region: str) -> str:
        """Return the system name of a region's child."""
        return self.child.replace("{region}", region)

    def generations(self, system: str) -> Path:
        """Return the folder of one system's replies."""
        return (Path(self.root) / self.name / "generations" / system).resolve()
