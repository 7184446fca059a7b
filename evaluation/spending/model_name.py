"""Which returned model name is the one that was asked for."""

import re

_SNAPSHOT = re.compile(r"[-@](\d{4}-\d{2}-\d{2}|\d{8}|\d{6}|\d{4}|\d{3})$")
"""A date or a revision behind a model's name."""


def without_snapshot(model: str) -> str:
    """Return the name without the date or revision of its snapshot."""
    return _SNAPSHOT.sub("", model)


def is_same_model(asked: str, returned: str) -> bool:
    """Return whether a returned name is the asked one, or a snapshot of it.

    A folder before the name, as in ``models/gemini-2.5-pro``, says nothing.
    """
    asked, returned = (name.rpartition("/")[2] for name in (asked, returned))
    return returned in (asked, "") or without_snapshot(returned) == asked
