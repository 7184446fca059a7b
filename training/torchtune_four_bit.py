"""``method=qlora`` with ``stack=torchtune``: frozen linear layers in 4 bits (NF4) by torchao.

Plain PyTorch, so that it runs wherever PyTorch does. Every 64 values share a scale, and the scales
are quantised again: 4.13 bits a value.
"""

import math
from typing import cast

from torch import Tensor, nn

from ..data.errors import UserError
from .torchtune_compat import NF4Tensor, linear_nf4, to_nf4

_BLOCK = 64
"""Values that share a scale."""
_SCALES = 256
"""Most scales that are quantised together."""


class FourBitLinear(nn.Linear):
    """A frozen linear layer whose weight is an NF4Tensor of torchao."""

    def forward(self, input: Tensor) -> Tensor:
        """Multiply; the weight exists in full only meanwhile, forward and backward."""
        return linear_nf4(input, cast("NF4Tensor", self.weight))


def quantise(weight: Tensor, *, name: str) -> NF4Tensor:
    """Return the weight in 4 bits (torchao).

    Raises:
        UserError: its size cannot be cut into blocks.
    """
    num_blocks, rest = divmod(weight.numel(), _BLOCK)
    if rest:
        raise UserError(
            f"{name} has {weight.numel()} values, no multiple of {_BLOCK}, which method=qlora "
            "needs with stack=torchtune: choose stack=hf or method=lora"
        )
    return to_nf4(weight.contiguous(), _BLOCK, math.gcd(num_blocks, _SCALES))
