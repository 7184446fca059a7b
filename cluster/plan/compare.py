"""Both ways of knowing a run's memory side by side, part by part."""

from collections.abc import Sequence

from .memory import MemoryParts

_DISAGREES = 0.1
"""Part of the larger figure; below it the two ways are said to agree."""
_MATTERS = 0.01
"""Part of the total: what is smaller than this is shown and not judged."""
_GIB = 2**30
_NAMES = ("parameters", "gradients", "optimizer", "activations", "logits", "buffers")


def comparison_lines(moments: Sequence[MemoryParts], dry: MemoryParts) -> list[str]:
    """Return a table of both ways at the dry build's worst moment, and what disagrees.

    Args:
        moments: the formulas' parts at each moment that can be the worst.
        dry: what the dry build found.
    """
    formula = nearest_moment(moments, dry)
    worst = max(moments, key=_total)
    lines = [f"{'GiB of one rank':<16}{'formula':>10}{'dry build':>11}{'ratio':>8}"]
    lines += [_line(name, getattr(formula, name), getattr(dry, name)) for name in _NAMES]
    lines.append(_line("total", _total(worst), _total(dry)))
    lines.append(f"worst moment: {worst.peak_at} by the formulas, {dry.peak_at} in the dry build")
    wrong = disagreements(formula, dry)
    if wrong:
        return [*lines, f"the two disagree by more than 10 % about {', '.join(wrong)}"]
    return [*lines, "no part differs by more than 10 %"]


def nearest_moment(moments: Sequence[MemoryParts], dry: MemoryParts) -> MemoryParts:
    """Return the moment whose parts are most like those of the dry build."""

    def distance(parts: MemoryParts) -> float:
        return sum(abs(getattr(parts, name) - getattr(dry, name)) for name in _NAMES)

    return min(moments, key=distance)


def disagreements(formula: MemoryParts, dry: MemoryParts) -> list[str]:
    """Return the parts that differ by more than a tenth, small ones left out, and the total."""
    total = _total(dry)
    pairs = [(name, getattr(formula, name), getattr(dry, name)) for name in _NAMES]
    pairs.append(("the total", _total(formula), total))
    return [
        name
        for name, left, right in pairs
        if max(left, right) > _MATTERS * total and abs(left - right) > _DISAGREES * max(left, right)
    ]


def _line(name: str, formula: float, dry: float) -> str:
    ratio = f"{formula / dry:.2f}" if dry else "-"
    return f"{name:<16}{formula / _GIB:>10.2f}{dry / _GIB:>11.2f}{ratio:>8}"


def _total(parts: MemoryParts) -> float:
    """Return the sum without the margin, which a dry build cannot see."""
    return parts.total - parts.margin
