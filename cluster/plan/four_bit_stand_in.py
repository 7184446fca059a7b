"""A linear layer of as many bytes as bitsandbytes' in 4 bits, made of tensors that can be fake.

bitsandbytes' own weight is a subclass of Tensor that loses what makes a tensor fake.
"""

# N tokens, I inputs, O outputs

from typing import Any

import torch
from bitsandbytes.nn.modules import Linear4bit
from torch import Tensor, nn
from torch.autograd import Function
from transformers import LlamaForCausalLM

_BLOCK = 64
"""Values that share a scale of 8 bits."""
_SCALES = 256
"""Scales that share one of 32 bits."""


class FourBitStandIn(Linear4bit):
    """Holds packed weights, which a strategy may split, and scales, which stay whole.

    Args:
        linear: whose place it takes; its weight's format is that of the products.
    """

    def __init__(self, linear: nn.Linear) -> None:
        nn.Module.__init__(self)
        self.in_features, self.out_features = linear.in_features, linear.out_features
        self.compute_dtype = linear.weight.dtype
        self.bias = None
        packed = torch.empty(linear.weight.numel() // 2, 1, dtype=torch.uint8, device="meta")
        self.weight = nn.Parameter(packed, requires_grad=False)
        # PEFT asks for these two.
        self.weight.compress_statistics = True  # pyright: ignore[reportAttributeAccessIssue]
        self.weight.quant_type = "nf4"  # pyright: ignore[reportAttributeAccessIssue]
        self.scales: list[Tensor] = []

    def make_scales(self, device: torch.device) -> None:
        """Make the scales, which bitsandbytes keeps beside the parameter."""
        blocks = self.in_features * self.out_features // _BLOCK
        self.scales = [
            torch.empty(blocks, dtype=torch.uint8, device=device),
            torch.empty(-(-blocks // _SCALES), dtype=torch.float32, device=device),
        ]

    def forward(self, x: Tensor) -> Tensor:
        """Multiply with the weight as it is in full, for as long as that takes."""
        shape = (self.out_features, self.in_features)
        result = _Multiply.apply(x, self.weight, shape, self.compute_dtype)
        assert isinstance(result, Tensor)
        return result


class _Multiply(Function):
    """Unpacks the weight in the forward pass and again in the backward pass."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, packed: Tensor, shape: Any, dtype: torch.dtype) -> Tensor:  # noqa: ANN401
        ctx.packed, ctx.shape, ctx.dtype = packed, shape, dtype
        return x.to(dtype) @ packed.new_empty(shape, dtype=dtype).T

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:  # noqa: ANN401  torch's own, untyped
        (grad,) = grads
        weight_OI = ctx.packed.new_empty(ctx.shape, dtype=ctx.dtype)
        return grad.to(ctx.dtype) @ weight_OI, None, None, None


def put_stand_ins(llama: LlamaForCausalLM) -> None:
    """Put stand-ins in the places of the decoder's linear layers."""
    for layer in llama.model.layers:
        for parent in list(layer.modules()):
            for name, child in list(parent.named_children()):
                if type(child) is nn.Linear:
                    setattr(parent, name, FourBitStandIn(child))
    # PEFT takes its 4-bit layers where the model says so.
    llama.is_loaded_in_4bit = True  # pyright: ignore[reportArgumentType]
