"""The number format, picked from the hardware and said in the log."""

import torch

from ..data.hardware import Precision, pick_precision


def choose_dtype(precision: Precision) -> torch.dtype:
    """Return bf16 where the hardware multiplies it faster than fp32, unless the user chose."""
    picked = pick_precision(precision)
    return torch.bfloat16 if picked is Precision.bf16 else torch.float32
