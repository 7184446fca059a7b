"""Linear layers that share one input, with their adapters, as one matrix product.

``y = x W' + s (x A') B'`` needs three products and two passes over ``y`` for each layer. Here the
weights of all layers that read the same input stand above each other, with ``s B`` beside them, and
``x A'`` stands beside ``x``: one product forward, one back, and the narrow ones of the adapters.
"""

# N tokens, I inputs, O outputs of all layers together, R ranks of all adapters together

from collections.abc import Sequence
from itertools import accumulate
from typing import NamedTuple

import torch
from torch import Tensor, nn


class Adapter(NamedTuple):
    """A LoRA adapter: the layer adds ``scale * x A' B'``."""

    a_RI: Tensor
    b_OR: Tensor
    scale: float


class FusedLinear:
    """The layers' weights in the format of the products, and how gradients go back.

    Frozen weights move: each layer's own ``weight`` becomes a view of the joint matrix, so that
    they are held once. Trained weights stay where they are and are copied by ``refresh``.

    Args:
        layers: without bias, all with the same input.
        adapters: one for each layer, or None for each.
    """

    def __init__(
        self,
        layers: Sequence[nn.Linear],
        adapters: Sequence[Adapter | None],
        *,
        dtype: torch.dtype,
    ) -> None:
        self._layers = list(layers)
        self._adapters = list(adapters)
        self.num_inputs = layers[0].in_features
        self._rows = _spans([layer.out_features for layer in layers])
        self._ranks = _spans([adapter.a_RI.shape[0] if adapter else 0 for adapter in adapters])
        num_outputs, self.num_ranks = self._rows[-1].stop, self._ranks[-1].stop
        first = layers[0].weight
        width = self.num_inputs + self.num_ranks
        self.weight_OX = torch.zeros(num_outputs, width, dtype=dtype, device=first.device)
        self.a_RI = torch.zeros(self.num_ranks, self.num_inputs, dtype=dtype, device=first.device)
        self.trains_weights = first.requires_grad
        for layer, rows in zip(self._layers, self._rows, strict=True):
            part = self.weight_OX[rows, : self.num_inputs]
            part.copy_(layer.weight.detach())
            if not self.trains_weights and layer.weight.dtype is dtype:
                layer.weight.data = part

    def parameters(self) -> list[Tensor]:
        """Return the trained parameters, in the order of ``backward``'s gradients."""
        weights = [layer.weight for layer in self._layers] if self.trains_weights else []
        adapters = [half for a in self._adapters if a for half in (a.a_RI, a.b_OR)]
        return [*weights, *adapters]

    @torch.no_grad()
    def refresh(self) -> None:
        """Copy the trained values into the matrices; call it after each change of them."""
        for layer, adapter, rows, ranks in zip(
            self._layers, self._adapters, self._rows, self._ranks, strict=True
        ):
            if self.trains_weights:
                self.weight_OX[rows, : self.num_inputs].copy_(layer.weight)
            if adapter is not None:
                self.a_RI[ranks].copy_(adapter.a_RI)
                self.weight_OX[rows, self.num_inputs :][:, ranks].copy_(
                    adapter.b_OR * adapter.scale
                )

    def new_input(self, num_tokens: int) -> tuple[Tensor, Tensor]:
        """Return an input with room for the adapters' part, [N, I + R], and the view to fill."""
        x_NX = self.weight_OX.new_empty(num_tokens, self.num_inputs + self.num_ranks)
        return x_NX, x_NX[:, : self.num_inputs]

    def forward(self, x_NX: Tensor, *, plus: Tensor | None = None) -> Tensor:
        """Return the outputs of all layers beside each other, [N, O].

        Args:
            x_NX: of ``new_input``, its first part filled; the rest is filled here.
            plus: added to the outputs.
        """
        if self.num_ranks:
            x_NX[:, self.num_inputs :] = x_NX[:, : self.num_inputs] @ self.a_RI.T
        if plus is None:
            return x_NX @ self.weight_OX.T
        return torch.addmm(plus, x_NX, self.weight_OX.T)

    def backward(
        self, grad_NO: Tensor, x_NX: Tensor, *, wants_input: bool
    ) -> tuple[Tensor | None, list[Tensor]]:
        """Return the gradient of the input, [N, I], if wanted, and those of ``parameters()``."""
        size = self.num_inputs
        grad_N = None
        if wants_input:
            grad_NX = grad_NO @ self.weight_OX
            grad_NR = grad_NX[:, size:]
            grad_N = grad_NX
            if self.num_ranks:
                grad_N = torch.addmm(grad_NX[:, :size], grad_NR, self.a_RI)
        else:
            grad_NR = grad_NO @ self.weight_OX[:, size:]
        return grad_N, self._gradients(grad_NO, grad_NR, x_NX)

    def _gradients(self, grad_NO: Tensor, grad_NR: Tensor, x_NX: Tensor) -> list[Tensor]:
        gradients: list[Tensor] = []
        x_NI, x_NR = x_NX[:, : self.num_inputs], x_NX[:, self.num_inputs :]
        if self.trains_weights:
            grad_OI = grad_NO.T @ x_NI
            for layer, rows in zip(self._layers, self._rows, strict=True):
                gradients.append(grad_OI[rows].to(layer.weight.dtype))
        if self.num_ranks:
            grad_RI = grad_NR.T @ x_NI
            grad_OR = grad_NO.T @ x_NR
            for adapter, rows, ranks in zip(self._adapters, self._rows, self._ranks, strict=True):
                if adapter is not None:
                    gradients.append(grad_RI[ranks].to(adapter.a_RI.dtype))
                    b_grad = grad_OR[rows, ranks].to(adapter.b_OR.dtype)
                    gradients.append(b_grad * adapter.scale)
        return gradients


def _spans(sizes: Sequence[int]) -> list[slice]:
    """Return where each part lies when they stand one behind the other."""
    ends = list(accumulate(sizes))
    return [slice(end - size, end) for end, size in zip(ends, sizes, strict=True)]
