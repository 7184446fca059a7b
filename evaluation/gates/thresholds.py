"""Where the gates stand; read from YAML (configs/gates)."""

from dataclasses import dataclass, fields
from enum import StrEnum

from ...data.config_files import read_config
from ...data.errors import UserError


class Aim(StrEnum):
    """What is asked of the child's quality in its own language."""

    better = "better"
    """A promotion: the child has to be shown better than its parent."""
    not_worse = "not_worse"
    """A regression check: a loss beyond the margin has to be ruled out."""


GATES = (
    "target_quality",
    "forgetting",
    "fidelity",
    "script",
    "register",
    "code_mix",
    "safety",
    "over_refusal",
    "degeneration",
    "contamination",
)
"""All there are, in the order of the page."""


@dataclass(kw_only=True, slots=True)
class GateThresholds:
    """All shares and margins are parts of 1: 0.02 is two points."""

    gates: list[str]
    """Which are judged. One without items is inconclusive, so that none is forgotten in silence."""
    target_quality: Aim
    floors: bool
    """Whether absolute levels decide too; without them only the parent is compared with."""
    confidence: float
    """One-sided for floors and for "not worse", two-sided for "better", as on the page."""
    power: float
    """Of the number of items that an inconclusive gate asks for."""
    resamples: int
    """Of corpus metrics."""
    seed: int
    min_groups: int
    """Fewer independent items (clusters) are too few for any verdict."""
    min_coverage: float
    """Share of items with a reply from both sides; below it nothing passes."""
    max_unreadable: float
    """Share of replies without a readable answer above which both extremes have to agree."""
    min_detector: float
    """Precision and recall below which a detector's gate cannot pass."""
    detectors_needed: list[str]
    """Gates that cannot pass while their detector has not been measured."""
    quality_margin: float
    """Loss of the headline that is accepted where the aim is not_worse."""
    task_loss: float
    """A single task shown to lose more than this fails, whatever the headline."""
    forgetting_margin: float
    """Accepted loss in English and in the other languages, in points of accuracy."""
    min_fidelity: float
    """Share of replies in the asked language."""
    fidelity_margin: float
    min_script: float
    """Share of replies in the asked script."""
    script_margin: float
    min_register: float
    """Share of replies in the asked form of address."""
    register_margin: float
    max_register_mixing: float
    """Share of replies that mix forms of address."""
    code_mix_band: float
    """How far the share of English words may lie from native references, either way."""
    harmful_margin: float
    """Accepted rise of harmful replies."""
    refusal_margin: float
    """Accepted rise of refusals of harmless requests."""
    max_degenerate: float
    """Share of replies that are empty, loop or are gibberish."""
    degenerate_margin: float
    truncation_margin: float
    """Accepted rise of replies that were cut."""

    def __post_init__(self) -> None:
        if strange := sorted({*self.gates, *self.detectors_needed} - set(GATES)):
            raise ValueError(f"gates.{strange[0]} is no gate; there are {', '.join(GATES)}")
        if not self.gates:
            raise ValueError("gates.gates is empty: nothing would be judged")
        for name in ("confidence", "power"):
            if not 0.5 <= getattr(self, name) < 1:
                raise ValueError(f"gates.{name} must lie in [0.5, 1), got {getattr(self, name)}")
        for name in self.__dataclass_fields__:
            value = getattr(self, name)
            is_share = isinstance(value, float)
            if is_share and not 0 <= value <= 1:
                raise ValueError(f"gates.{name} is a part of 1 (0.02 is two points), got {value}")
        if self.min_groups < 2 or self.resamples < 1:
            raise ValueError("gates: min_groups must be 2 or more, resamples 1 or more")

    @property
    def two_sided(self) -> float:
        """Return the confidence of the interval whose ends are one-sided bounds."""
        return 2 * self.confidence - 1

    @property
    def alpha(self) -> float:
        """Return what a p-value has to be below."""
        return 1 - self.confidence


def load_gates(name: str) -> GateThresholds:
    """Return the thresholds of this name.

    Raises:
        UserError: there are none, or the file has a missing, unknown or wrong key.
    """
    values = read_config("gates", name)
    if wrong := sorted(set(values) ^ {item.name for item in fields(GateThresholds)}):
        raise UserError(f"configs/gates/{name}.yaml: key {wrong[0]!r} is missing or unknown")
    try:
        aim = Aim(str(values.pop("target_quality")))
        return GateThresholds(target_quality=aim, **values)  # pyright: ignore[reportArgumentType]
    except (TypeError, ValueError) as error:
        raise UserError(f"configs/gates/{name}.yaml: {error}") from error
