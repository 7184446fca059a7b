"""What a training run is for; light, so that help stays fast."""

from enum import Enum


class StageKind(Enum):
    """Which rows are trained, and on what; docs/stages.md."""

    cpt = "cpt"
    """Continued pre-training: running text, every token but a document's first."""
    sft = "sft"
    """Supervised fine-tuning: conversations, the assistant's turns only."""
    dpo = "dpo"
    """Direct preference optimisation: of two replies the better one (Rafailov et al. 2023)."""
