"""Which part of an answer's letters is in the wanted script."""

from ...data.language.lines import without_code
from ...data.scripts import count_letters

MIN_SCRIPT_SHARE = 0.8
"""Brand names and units stay in Latin letters inside Hindi: 0.2 leaves room for them."""
MIN_SCRIPT_SHARE_MIXED = 0.5


def script_share(reply: str, script: str) -> float | None:
    """Return the share of letters outside code in a script; ``None`` without any letter."""
    letters = count_letters(without_code(reply))
    return letters[script] / letters.total() if letters else None


def is_in_script(share: float | None, *, code_mix: bool) -> bool | None:
    """Return whether the share is enough; ``None`` where there is none."""
    if share is None:
        return None
    return share >= (MIN_SCRIPT_SHARE_MIXED if code_mix else MIN_SCRIPT_SHARE)
