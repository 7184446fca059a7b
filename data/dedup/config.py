"""What ``lokal prepare`` can be told about duplicates; imports nothing heavy."""

from dataclasses import dataclass


@dataclass(kw_only=True, slots=True)
class DedupConfig:
    """Which texts are too much alike to be kept twice."""

    min_similarity: float = 0.8
    """Drop a row with this Jaccard similarity of word 5-grams to a kept row, by its signature."""
    min_linked: float = 0.7
    """Rows this similar stay on one side of the held-out split; the margin below min_similarity
    makes up for the error of the estimate."""
    num_permutations: int = 128
    """Numbers in a signature; the estimate's standard error is at most 0.5 / sqrt(this)."""
    num_bands: int = 21
    band_rows: int = 6
    """Rows whose signatures agree in a whole band of so many numbers are compared."""
    seed: int = 0

    def __post_init__(self) -> None:
        if not 0 < self.min_similarity <= 1:
            raise ValueError(f"dedup.min_similarity must lie in (0, 1], got {self.min_similarity}")
        if not 0 < self.min_linked <= self.min_similarity:
            raise ValueError(
                "dedup.min_linked must lie in (0, dedup.min_similarity]: "
                f"got {self.min_linked}, with min_similarity {self.min_similarity}"
            )
        for name in ("num_permutations", "num_bands", "band_rows"):
            if getattr(self, name) < 1:
                raise ValueError(f"dedup.{name} must be 1 or more, got {getattr(self, name)}")
        if self.num_bands * self.band_rows > self.num_permutations:
            raise ValueError(
                f"dedup.num_bands x dedup.band_rows must be at most dedup.num_permutations: got "
                f"{self.num_bands} x {self.band_rows} for {self.num_permutations}; lower one"
            )
        if not 0 <= self.seed < 2**63:
            raise ValueError(f"dedup.seed must lie in [0, 2**63), got {self.seed}")

    def chance_to_compare(self, similarity: float) -> float:
        """Return how likely two rows of this Jaccard similarity share a band."""
        return 1 - (1 - similarity**self.band_rows) ** self.num_bands
