"""Whether the model that answered is the one that was asked."""

import re

_WHERE = re.compile(r"^(models/|publishers/[^/]+/models/)")
"""Before the name, where Google says who publishes it."""
_DATE = r"(?:[-@]\d{4}-\d{2}-\d{2}|[-@]\d{8}|-\d{2}-\d{4}|-\d{2}-\d{2}|-\d{4}|-0\d{2})"
"""2026-01-01, 20260101, 05-2026, 05-20, 0613, and the running number 001."""
_DATED = re.compile(rf"{_DATE}$")
_LATEST = "-latest"


def same_model(requested: str, returned: str) -> bool:
    """Return whether the answer is of the requested model.

    A name without a date may be answered by a dated snapshot of it (gpt-x by gpt-x-2026-01-01),
    and so may ``-latest``. A name with a date must come back as it is; any other ending (``-mini``,
    ``-preview``) is another model.
    """
    asked, came = _WHERE.sub("", requested), _WHERE.sub("", returned)
    if asked == came:
        return True
    if _DATED.search(asked):
        return False
    stem = asked.removesuffix(_LATEST)
    return came == stem or re.fullmatch(re.escape(stem) + _DATE, came) is not None
