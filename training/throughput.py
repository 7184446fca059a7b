"""How fast a run is, and how much memory it takes."""

import resource
from dataclasses import dataclass
from pathlib import Path

import torch
from transformers import LlamaConfig

from ..data.checkpoint_folder import is_original
from .feed import StepCounts
from .flops import LlamaShape, step_flops
from .settings import MethodConfig


@dataclass(frozen=True, slots=True)
class Throughput:
    """Turns a step's seconds into the figures that are reported.

    Args:
        peak: of all processes' devices together, in FLOP a second; None where it is not known.
        num_prefix: tokens that the rows share and that are computed once a micro-batch.
    """

    shape: LlamaShape | None
    method: MethodConfig
    device: torch.device
    peak: float | None
    num_prefix: int

    def mfu(self, counts: StepCounts, *, seconds: float) -> float | None:
        """Return the part of the peak that the model's own arithmetic took."""
        if self.peak is None or self.shape is None:
            return None
        needed = step_flops(
            self.shape,
            self.method,
            document_tokens=[number - self.num_prefix for number in counts.document_tokens],
            trained_tokens=counts.trained_tokens,
        )
        return round(needed / max(1e-9, seconds) / self.peak, 4)

    def memory_mb(self) -> int:
        """Return this process's peak so far: of its GPU, or else its resident memory."""
        if self.device.type == "cuda":
            return torch.cuda.max_memory_allocated(self.device) // 2**20
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def read_shape(checkpoint: Path) -> LlamaShape | None:
    """Return the sizes of a checkpoint folder; None for Meta's original layout."""
    if is_original(checkpoint):
        return None
    config = LlamaConfig.from_pretrained(checkpoint)
    return LlamaShape(
        hidden=config.hidden_size,
        intermediate=config.intermediate_size,
        layers=config.num_hidden_layers,
        heads=config.num_attention_heads,
        kv_heads=config.num_key_value_heads or config.num_attention_heads,
        head_size=config.head_dim or config.hidden_size // config.num_attention_heads,
        vocabulary=config.vocab_size,
    )
