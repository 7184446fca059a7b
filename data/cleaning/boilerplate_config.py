"""What counts as a line that a source repeats; imports nothing heavy."""

from dataclasses import dataclass


@dataclass(kw_only=True, slots=True)
class BoilerplateConfig:
    """From how many documents of its source on a repeated line is boilerplate."""

    min_documents: int = 10
    """No line that fewer documents hold, however small the source."""
    share: float = 0.5
    """Part of the source's documents; such a line goes wherever it stands."""
    edge_share: float = 0.1
    """Part of the source's documents for a line at the very start or end of a document."""

    def __post_init__(self) -> None:
        if self.min_documents < 2:
            raise ValueError(
                f"boilerplate.min_documents must be 2 or more, got {self.min_documents}: "
                "one document repeats nothing"
            )
        if not 0 < self.edge_share <= self.share <= 1:
            raise ValueError(
                "boilerplate.edge_share and boilerplate.share must lie in (0, 1], the first not "
                f"above the second, got {self.edge_share} and {self.share}"
            )
