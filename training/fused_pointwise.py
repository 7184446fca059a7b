"""What stands between a Llama layer's matrix products: norm, rotation, gate; forward and backward.

Plain functions of tensors, so that torch.compile can turn each into one loop.
"""

# N tokens, D hidden size, H heads, K half the size of a head, F size of the feed-forward layer

import torch
from torch import Tensor
from torch.nn import functional


def rms_norm(x_ND: Tensor, weight_D: Tensor, eps: float) -> tuple[Tensor, Tensor]:
    """Return the normalised tokens in their own format, and 1 / rms in fp32, [N, 1]."""
    x32_ND = x_ND.float()
    scale_N1 = torch.rsqrt(x32_ND.pow(2).mean(-1, keepdim=True) + eps)
    return weight_D.to(x_ND.dtype) * (x32_ND * scale_N1).to(x_ND.dtype), scale_N1


def rms_norm_backward(
    grad_ND: Tensor, x_ND: Tensor, weight_D: Tensor, scale_N1: Tensor, residual_ND: Tensor
) -> Tensor:
    """Return the gradient of ``x``, added to the one that went around the norm."""
    grad32_ND = grad_ND.float() * weight_D.float()
    unit_ND = x_ND.float() * scale_N1
    mean_N1 = (grad32_ND * unit_ND).mean(-1, keepdim=True)
    return ((grad32_ND - unit_ND * mean_N1) * scale_N1 + residual_ND.float()).to(x_ND.dtype)


def rms_norm_weight_gradient(grad_ND: Tensor, x_ND: Tensor, scale_N1: Tensor) -> Tensor:
    """Return the gradient of the norm's weight in fp32, [D]."""
    return (grad_ND.float() * (x_ND.float() * scale_N1).to(x_ND.dtype).float()).sum(0)


def rotate(x_NHC: Tensor, cos_NK: Tensor, sin_NK: Tensor) -> Tensor:
    """Return the heads turned by their positions (rotary embedding); -sin turns back."""
    half = cos_NK.shape[-1]
    cos_N1K, sin_N1K = cos_NK[:, None], sin_NK[:, None]
    left_NHK, right_NHK = x_NHC[..., :half], x_NHC[..., half:]
    return torch.cat(
        [left_NHK * cos_N1K - right_NHK * sin_N1K, right_NHK * cos_N1K + left_NHK * sin_N1K], -1
    )


def swiglu(gate_up_NF2: Tensor) -> Tensor:
    """Return silu(gate) * up, [N, F]."""
    gate_NF, up_NF = gate_up_NF2.chunk(2, dim=-1)
    return functional.silu(gate_NF) * up_NF


def swiglu_backward(grad_NF: Tensor, gate_up_NF2: Tensor) -> Tensor:
    """Return the gradient of gate and up beside each other."""
    gate_NF, up_NF = gate_up_NF2.chunk(2, dim=-1)
    silu_NF = functional.silu(gate_NF)
    to_gate_NF = torch.ops.aten.silu_backward(grad_NF * up_NF, gate_NF)
    return torch.cat([to_gate_NF, grad_NF * silu_NF], -1)
