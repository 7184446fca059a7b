"""Where the rows of a corpus went: counted part by part, shown by step, source and reason."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias, cast

from .manifest import Json

if TYPE_CHECKING:
    from .document import Metadata

STEPS = (
    "read",
    "normalise",
    "markup",
    "boilerplate",
    "script",
    "language",
    "quality",
    "decontaminated",
    "pii",
    "preference",
    "duplicate",
)
"""The gates in the order in which a row meets them."""
FATES = ("train", "heldout")

Counts: TypeAlias = "dict[str, Json]"


@dataclass(slots=True)
class Funnel:
    """Counts each row by its source and by what became of it."""

    rows: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    """By source, fate or step, and reason (empty for kept rows)."""
    chars: Counter[tuple[str, str]] = field(default_factory=Counter)
    """Characters by source, of training rows (``train``) and of all (``read``)."""
    notes: Counter[tuple[str, str]] = field(default_factory=Counter)
    """What steps changed or saw, by source and note, in kept and dropped rows."""
    items: set[tuple[str, str]] = field(default_factory=set)
    """Benchmark items that were met: suite with split, and id."""

    def add(self, metadata: "Metadata", *, fate: str) -> None:
        """Count one row, once every step is done with it; ``fate`` is train, heldout or dropped."""
        source, step, reason = metadata["source"], metadata["step"], metadata["reason"]
        self.chars[source, "read"] += metadata["num_chars"]
        for what, number in metadata["notes"].items():
            self.notes[source, what] += number
        if step is None or reason is None:
            self.rows[source, fate, ""] += 1
            self.chars[source, fate] += metadata["num_chars"]
            return
        self.rows[source, step, reason] += 1
        if step == "decontaminated":
            self.items.add((reason.partition(":")[0], metadata["detail"] or ""))

    def to_json(self) -> Counts:
        """Return what one part counted, for ``Funnel.sum``."""
        return {
            "rows": [[*key, number] for key, number in self.rows.items()],
            "chars": [[*key, number] for key, number in self.chars.items()],
            "notes": [[*key, number] for key, number in self.notes.items()],
            "items": [list(item) for item in sorted(self.items)],
        }

    @classmethod
    def sum(cls, parts: Iterable[Mapping[str, Json]]) -> "Funnel":
        """Return the funnel of all parts, in their order."""
        total = cls()
        for part in parts:
            for name, counter in (
                ("rows", total.rows),
                ("chars", total.chars),
                ("notes", total.notes),
            ):
                for *key, number in cast("list[list[object]]", part[name]):
                    cast("Counter[tuple[object, ...]]", counter)[tuple(key)] += cast("int", number)
            items = cast("list[list[str]]", part["items"])
            total.items.update((suite, item) for suite, item in items)
        return total

    def counts(self) -> Counts:
        """Return the whole funnel as JSON, in a fixed order."""
        return {
            "rows_read": self.rows.total(),
            "chars_read": sum(n for (_, what), n in self.chars.items() if what == "read"),
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
        assert rows_left == self._kept("train") + self._kept("heldout"), "a step is not in STEPS"
        return steps

    def _decontaminated(self) -> Counts:
        rows = sum(number for (_, step, _), number in self.rows.items() if step == "decontaminated")
        met = Counter(suite for suite, _ in self.items)
        return {"rows": rows, "items_met": cast("Json", dict(sorted(met.items())))}

    def _source(self, source: str) -> Counts:
        dropped = {
            f"{step}: {reason}": number
            for (at, step, reason), number in sorted(self.rows.items())
            if at == source and step not in FATES
        }
        notes = {what: number for (at, what), number in sorted(self.notes.items()) if at == source}
        return {
            "rows_read": sum(number for (at, _, _), number in self.rows.items() if at == source),
            "dropped": cast("Json", dropped),
            "notes": cast("Json", notes),
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


def unread(counts: Mapping[str, Json]) -> list[str]:
    """Return one line for each source of which something could not be read."""
    lines: list[str] = []
    for name, source in cast("dict[str, dict[str, Json]]", counts["sources"]).items():
        dropped = cast("dict[str, int]", source["dropped"])
        faults = [
            f"{reason.removeprefix('read: ')}: {number}"
            for reason, number in dropped.items()
            if reason.startswith("read: ")
        ]
        if faults:
            lines.append(f"source {name} was not read whole ({', '.join(faults)})")
    return lines


def dropped_pairs(counts: Mapping[str, Json]) -> str:
    """Return how many preference pairs their own gate dropped and why; empty: none."""
    steps = cast("list[dict[str, Json]]", counts["steps"])
    dropped = cast(
        "dict[str, int]", next(step["dropped"] for step in steps if step["step"] == "preference")
    )
    if not dropped:
        return ""
    reasons = ", ".join(f"{reason}: {number}" for reason, number in dropped.items())
    return f"WARNING {sum(dropped.values())} preference pairs dropped ({reasons})"
