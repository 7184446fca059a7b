"""The arithmetic of one training step, for the part of the hardware's peak that a run reaches."""

from collections.abc import Sequence
from dataclasses import dataclass

from .settings import MethodConfig, MethodKind

_FORWARD = 2
"""One multiplication and one addition a weight and token."""


@dataclass(frozen=True, kw_only=True, slots=True)
class LlamaShape:
    """The sizes of a Llama, as its ``config.json`` has them."""

    hidden: int
    intermediate: int
    layers: int
    heads: int
    kv_heads: int
    head_size: int
    vocabulary: int

    @property
    def layer_weights(self) -> int:
        """Return the weights of one layer's matrices."""
        attention = self.hidden * self.head_size * (2 * self.heads + 2 * self.kv_heads)
        return attention + 3 * self.hidden * self.intermediate


def step_flops(
    shape: LlamaShape,
    method: MethodConfig,
    *,
    document_tokens: Sequence[int],
    trained_tokens: int,
) -> float:
    """Return the operations that a step needs, in FLOP: nothing recomputed, no padding.

    As Chowdhery et al. 2022 (PaLM, appendix B) count them, but with what a frozen weight spares: no
    gradient of its own (full 6 FLOP a weight and token, LoRA 4), and no backward pass below
    ``method.first_layer``; with attention inside documents only, and with the head at the trained
    positions. Adapters' own matrices are left out.
    """
    tokens = sum(document_tokens)
    trained_layers = shape.layers - method.first_layer
    own_gradient = _FORWARD if method.kind is MethodKind.full else 0
    weights = shape.layer_weights * tokens
    layers = weights * (shape.layers * _FORWARD + trained_layers * (_FORWARD + own_gradient))
    # Scores and weighted sum, half of each: a token looks at those before it.
    attention = 2 * shape.heads * shape.head_size * sum(number**2 for number in document_tokens)
    attention_all = attention * (shape.layers + 2 * trained_layers)
    head = shape.vocabulary * shape.hidden * trained_tokens * (2 * _FORWARD + own_gradient)
    return float(layers + attention_all + head)
