"""Where the rows of a corpus went: counted once at the end, shown by step, source and reason."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias, cast

from .manifest import Json

if TYPE_CHECKING:
    from .document import Metadata

STEPS = ("normalise", "script", "language", "decontaminated", "duplicate")
"""The gates in the order in which a row meets them."""
FATES = ("train", "heldout")

Counts: TypeAlias = "dict[str, Json]"


@dataclass(slots=True)
class Funnel:
    """Counts each row by its source and by what became of it."""

    rows: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    """By source, fate or step, and reason (empty for kept rows)."""
    chars: Counter[tuple[str, str]] = field(default_factory=Counter)
    """Characters of kept rows by source and fate."""
    hit_items: dict[str, set[str]] = field(default_factory=dict)
    """Ids of benchmark items that were met, by suite and split."""

    def add(self, metadata: "Metadata", *, fate: str) -> None:
        """Count one row; ``fate`` is train, heldout or dropped."""
        source, step, reason = metadata["source"], metadata["step"], metadata["reason"]
        if step is None or reason is None:
            self.rows[source, fate, ""] += 1
            self.chars[source, fate] += metadata["num_chars"]
            return
        self.rows[source, step, reason] += 1
        if step == "decontaminated":
            benchmark = reason.partition(":")[0]
            self.hit_items.setdefault(benchmark, set()).add(metadata["detail"] or "")

    def counts(self) -> Counts:
        """Return the whole funnel as JSON, in a fixed order."""
        return {
            "rows_read": self.rows.total(),
            "steps": cast("Json", self._steps()),
            "decontaminated": self._decontaminated(),
            "train_rows": self._kept("train"),
            "heldout_rows": self._kept("heldout"),
            "sources": {source: self._source(source) for source in self._sources()},
        }

    def _steps(self) -> list[Counts]:
        steps: list[Counts] = []
        rows_left = self.rows.total()
        for step in STEPS:
            reasons: Counter[str] = Counter()
            for (_, at, reason), number in self.rows.items():
                if at == step:
                    reasons[reason] += number
            steps.append(
                {
                    "step": step,
                    "rows_in": rows_left,
                    "rows_out": rows_left - reasons.total(),
                    "dropped": cast("Json", dict(sorted(reasons.items()))),
                }
            )
            rows_left -= reasons.total()
        return steps

    def _decontaminated(self) -> Counts:
        rows = sum(number for (_, step, _), number in self.rows.items() if step == "decontaminated")
        items = {name: len(found) for name, found in sorted(self.hit_items.items())}
        return {"rows": rows, "items_met": cast("Json", items)}

    def _source(self, source: str) -> Counts:
        dropped = {
            f"{step}: {reason}": number
            for (at, step, reason), number in sorted(self.rows.items())
            if at == source and step not in FATES
        }
        return {
            "rows_read": sum(number for (at, _, _), number in self.rows.items() if at == source),
            "dropped": cast("Json", dropped),
            "train_rows": self.rows[source, "train", ""],
            "heldout_rows": self.rows[source, "heldout", ""],
            "train_chars": self.chars[source, "train"],
        }

    def _sources(self) -> list[str]:
        return list(dict.fromkeys(source for source, _, _ in self.rows))

    def _kept(self, fate: str) -> int:
        return sum(number for (_, at, _), number in self.rows.items() if at == fate)


def most_dropped(counts: Mapping[str, Json]) -> str:
    """Return the step that dropped most rows with its commonest reason, for a message."""
    steps = cast("list[dict[str, Json]]", counts["steps"])
    dropped = [
        (cast("int", number), f"{step['step']}: {reason}")
        for step in steps
        for reason, number in cast("dict[str, Json]", step["dropped"]).items()
    ]
    number, reason = max(dropped, default=(0, "nothing"))
    return f"{reason} ({number} rows)"
