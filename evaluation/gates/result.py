"""What a gate says, and what all of them together tell the shell."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from ...data.errors import ExitCode
from ...data.manifest import Json


class Verdict(StrEnum):
    """Of one gate, and of all."""

    PASS = "pass"
    FAIL = "fail"
    INCONCLUSIVE = "inconclusive"


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One rule of a gate on one series of items."""

    name: str
    verdict: Verdict
    sentence: str
    """Plain words with the figures that the verdict rests on."""
    figures: dict[str, Json] = field(default_factory=dict)
    fail_p: float | None = None
    """How likely such figures are where nothing is wrong; None where nothing was tested."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GateResult:
    """One gate's verdict with the reason in one sentence."""

    gate: str
    verdict: Verdict
    reason: str
    parts: tuple[Part, ...] = ()
    adjusted_p: tuple[float | None, ...] = ()
    """Holm's, of each part's failure, over all gates of the region."""

    def to_json(self) -> dict[str, Json]:
        """Return the gate as it stands in ``verdict.json``."""
        parts: list[Json] = [
            {
                "name": part.name,
                "verdict": str(part.verdict),
                "sentence": part.sentence,
                "adjusted_p": adjusted,
                **part.figures,
            }
            for part, adjusted in zip(self.parts, self.adjusted_p, strict=True)
        ]
        return {
            "gate": self.gate,
            "verdict": str(self.verdict),
            "reason": self.reason,
            "parts": parts,
        }


def worst_verdict(verdicts: Sequence[Verdict]) -> Verdict:
    """Return fail if any fails, else inconclusive if any is or there are none, else pass."""
    if Verdict.FAIL in verdicts:
        return Verdict.FAIL
    if Verdict.INCONCLUSIVE in verdicts or not verdicts:
        return Verdict.INCONCLUSIVE
    return Verdict.PASS


def exit_code(verdict: Verdict) -> ExitCode:
    """Return 0, 3 or 4: what ``lokal compare`` ends with."""
    return {
        Verdict.PASS: ExitCode.DONE,
        Verdict.FAIL: ExitCode.GATE_FAILED,
        Verdict.INCONCLUSIVE: ExitCode.INCONCLUSIVE,
    }[verdict]
