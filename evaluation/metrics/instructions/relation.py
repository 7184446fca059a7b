"""The values of an instruction, checked when they are read: counts, words, "at least"."""

from collections.abc import Mapping

from ....data.manifest import Json

Values = Mapping[str, Json]
"""What an item's ``kwargs`` say."""


def holds(count: int, values: Values, name: str) -> bool:
    """Return whether a count stands in the asked relation to ``values[name]``.

    Raises:
        ValueError: the number is missing, or the relation is none of the three.
    """
    wanted = number(values, name)
    relation = values.get("relation", "exactly")
    if relation == "at least":
        return count >= wanted
    if relation == "less than":
        return count < wanted
    if relation == "exactly":
        return count == wanted
    raise ValueError(
        f"kwargs.relation must be one of 'at least', 'less than', 'exactly', got {relation!r}"
    )


def number(values: Values, name: str) -> int:
    """Return a whole number of the instruction.

    Raises:
        ValueError: it is missing or no whole number.
    """
    value = values.get(name)
    if not isinstance(value, int) or isinstance(value, bool):
        raise ValueError(f"kwargs.{name} must be a whole number, got {value!r}")
    return value


def phrase(values: Values, name: str) -> str:
    """Return a word or phrase of the instruction.

    Raises:
        ValueError: it is missing or empty.
    """
    value = values.get(name)
    if not isinstance(value, str) or not value.strip():
        raise ValueError(f"kwargs.{name} must be a word or phrase, got {value!r}")
    return value.strip()


def phrases(values: Values, name: str) -> list[str]:
    """Return a list of words or phrases of the instruction.

    Raises:
        ValueError: it is missing, empty, or holds something else.
    """
    value = values.get(name)
    if not isinstance(value, list) or not value:
        raise ValueError(f"kwargs.{name} must be a list of words, got {value!r}")
    return [phrase({name: one}, name) for one in value]
