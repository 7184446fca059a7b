"""What a user can choose about the stage: cpt, sft or dpo, and how pairs are weighed."""

from dataclasses import dataclass

from ..data.stage_kind import StageKind


@dataclass(kw_only=True, slots=True)
class StageConfig:
    """Which rows are trained and on what; the settings of ``dpo`` do nothing elsewhere."""

    kind: StageKind = StageKind.sft
    plain_text: bool = False
    """sft: take running text too and train every token of it, as replay beside conversations."""
    beta: float = 0.1
    """dpo: how closely the model is held to what it was before; smaller lets it move further."""
    label_smoothing: float = 0.0
    """dpo: part of the pairs that are believed to be the wrong way round."""
    nll_weight: float = 0.0
    """dpo: weight of the better reply's mean cross entropy, added to each pair's loss."""
    length_normalised: bool = False
    """dpo: compare log-probabilities a token, so that long replies weigh no more than short."""

    def __post_init__(self) -> None:
        if self.beta <= 0:
            raise ValueError(f"stage.beta must be above 0, got {self.beta}")
        if not 0 <= self.label_smoothing < 0.5:
            raise ValueError(
                f"stage.label_smoothing must lie in [0, 0.5), got {self.label_smoothing}"
            )
        if self.nll_weight < 0:
            raise ValueError(f"stage.nll_weight must be 0 or more, got {self.nll_weight}")
        if self.plain_text and self.kind is not StageKind.sft:
            raise ValueError(
                f"stage.plain_text=true belongs to stage=sft, the stage is {self.kind.name}"
            )
