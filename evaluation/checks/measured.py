"""How well each gate's check was measured to work, in one language: ``measured.yaml``."""

from functools import cache
from pathlib import Path
from typing import NamedTuple

from ...data.config_files import read_mapping
from ...data.manifest import Json

_FILE = Path(__file__).parent / "measured.yaml"
_NO_GATES = ("measured_on",)


class Measured(NamedTuple):
    """A check on labelled answers."""

    precision: float
    recall: float
    labelled: int
    """Rows that carry the label; the fewer, the less the two figures say."""


@cache
def load_measured(language: str) -> dict[str, Measured]:
    """Return what was measured in a language, by gate; a gate that is missing was not measured."""
    found: dict[str, Measured] = {}
    for gate, by_language in read_mapping(_FILE).items():
        if gate in _NO_GATES:
            continue
        assert isinstance(by_language, dict)
        if figures := by_language.get(language):
            found[gate] = _measured(figures)
    return found


def measured_on() -> str:
    """Return the day on which the figures were measured."""
    return str(read_mapping(_FILE)["measured_on"])


def _measured(figures: Json) -> Measured:
    assert isinstance(figures, dict)
    return Measured(
        precision=float(str(figures["precision"])),
        recall=float(str(figures["recall"])),
        labelled=int(str(figures["labelled"])),
    )
