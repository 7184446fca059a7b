"""Matrix products with a weight, by the library that is quickest at them."""

# N rows, I inputs, O outputs

import torch
from torch import Tensor
from torch.nn import functional

_HAS_ONEDNN = torch.backends.mkldnn.is_available() and hasattr(
    torch.ops.mkldnn, "_linear_pointwise"
)


def product(x_NI: Tensor, weight_OI: Tensor) -> Tensor:
    """Return ``x W'``; on a CPU in fp32 by oneDNN.

    torch multiplies fp32 by MKL, which on AMD's CPUs leaves half of AVX-512 unused: 110 GFLOP/s of
    one core where oneDNN reached 247. In bf16 torch takes oneDNN itself.
    """
    if x_NI.dtype is torch.float32 and x_NI.device.type == "cpu" and _HAS_ONEDNN:
        return torch.ops.mkldnn._linear_pointwise(x_NI, weight_OI, None, "none", [], "")
    return functional.linear(x_NI, weight_OI)
