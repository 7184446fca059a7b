"""What ``lokal judge`` can be told; light, so that a finished run starts nothing."""

import math
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from ...data.config import check_run_name
from ...data.suite import Suite
from ..spending.settings import SpendingConfig
from .fitness import Limits


class JudgeMode(Enum):
    """How replies are judged."""

    rubric = "rubric"
    """Each by itself, against criteria: for tracking."""
    pairwise = "pairwise"
    """Two systems' side by side, in both orders: for release."""


@dataclass(kw_only=True, slots=True)
class JudgeConfig:
    """Everything ``lokal judge`` can be told."""

    name: str
    root: str = "runs"
    overwrite: bool = False
    mode: JudgeMode
    suite: Suite
    """Any suite with written replies; of a choice of suites, the open ones."""
    split: str
    languages: list[str]
    items_root: str | None = None
    systems: list[str]
    """Names in the run; ``{region}`` stands for the language. The first one is held against."""
    panel: list[str]
    """One to three judges: a model of configs/model, a folder with a checkpoint, or a vendor of
    configs/baseline as ``openai:MODEL`` or ``openai_compatible:MODEL@http://127.0.0.1:8000/v1``."""
    try_own_vendor: bool
    """Asks a judge of a side's vendor all the same, shows its rates, and uses nothing of it."""
    seed: int
    """Of the fences and of what is drawn again for intervals."""
    max_tokens: int
    """Longest answer of a vendor's judge."""
    reason_tokens: int
    """Longest reasons of a checkpoint that judges here."""
    batch_tokens: int
    threads: int
    max_flips: float
    max_unreadable: float
    min_pairs: int
    votes: str | None = None
    """File with people's votes, for calibration."""
    golden: str | None = None
    """File with a hundred settled pairs, against drift."""
    confidence: float
    resamples: int
    price_table: str = "vendors"
    confirm_above_usd: float
    """Above this a person is asked, or ``confirm_cost`` has to be given."""
    confirm_cost: str = ""
    """``true``, or the highest forecast in USD that is confirmed; for scripts."""
    accept_pii: bool = False
    """Personal values in prompts and replies may leave this machine."""
    spending: SpendingConfig

    def __post_init__(self) -> None:
        check_run_name(self.name)
        if not self.languages:
            raise ValueError("languages is empty: name at least one, as in languages=[id,hi,tl]")
        if not 1 <= len(self.panel) <= 3 or len(set(self.panel)) != len(self.panel):
            raise ValueError(f"panel takes one to three different judges, got {self.panel}")
        least = 2 if self.mode is JudgeMode.pairwise else 1
        if len(self.systems) < least or len(set(self.systems)) != len(self.systems):
            raise ValueError(
                f"systems needs {least} or more different ones in mode={self.mode.name}, "
                f"got {self.systems}"
            )
        for name in ("max_flips", "max_unreadable"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name} is a part of 1 (0.25 is a quarter), got {self.max_flips}")
        _ = self.confirmed_usd
        if not 0.5 <= self.confidence < 1:
            raise ValueError(f"confidence must lie in [0.5, 1), got {self.confidence}")
        for name in ("max_tokens", "reason_tokens", "batch_tokens", "min_pairs", "resamples"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be 1 or more, got {getattr(self, name)}")

    @property
    def confirmed_usd(self) -> float:
        """Return up to which cost no question is needed.

        Raises:
            ValueError: ``confirm_cost`` is neither empty, true, nor an amount.
        """
        word = self.confirm_cost.strip().lower()
        if word in ("true", "yes"):
            return math.inf
        try:
            agreed = float(word or 0)
        except ValueError as error:
            raise ValueError(
                f"confirm_cost must be true or an amount in USD, got {self.confirm_cost!r}"
            ) from error
        return max(agreed, self.confirm_above_usd)

    @property
    def run(self) -> Path:
        """Return ``runs/<name>``, absolute."""
        return (Path(self.root) / self.name).resolve()

    @property
    def folder(self) -> Path:
        """Return ``runs/<name>/judge/<mode>-<suite>``."""
        return judge_folder(self.run, self.mode, self.suite.name)

    @property
    def answers_folder(self) -> Path:
        """Return where every judge's answers are kept: a later run asks for none of them again."""
        return self.run / "judge" / "answers"

    @property
    def memory_folder(self) -> Path:
        """Return where all runs below the root keep each judge's first golden agreement."""
        return (Path(self.root) / "golden").resolve()

    @property
    def items_folder(self) -> Path | None:
        """Return the user's folder of benchmarks."""
        return None if self.items_root is None else Path(self.items_root)

    @property
    def limits(self) -> Limits:
        """Return from when on a judge is unfit."""
        return Limits(self.max_flips, self.max_unreadable, self.min_pairs, self.confidence)

    def systems_in(self, language: str) -> list[str]:
        """Return the systems that are judged in a language."""
        return [system.replace("{region}", language) for system in self.systems]

    def generations(self, system: str) -> Path:
        """Return the folder of one system's replies."""
        return self.run / "generations" / system

    @property
    def inputs(self) -> list[Path]:
        """Return the finished folders and files that the judgements are made from."""
        systems = dict.fromkeys(
            system for language in self.languages for system in self.systems_in(language)
        )
        files = [Path(file).resolve() for file in (self.votes, self.golden) if file is not None]
        fitness = [path.parent for path in sorted(self.run.glob("judge/pairwise-*/manifest.json"))]
        known = fitness if self.mode is JudgeMode.rubric else []
        return [*map(self.generations, systems), *known, *files]


def judge_folder(run: Path, mode: JudgeMode, suite: str) -> Path:
    """Return the folder with the judgements of a run on a suite."""
    return run / "judge" / f"{mode.name}-{suite}"
