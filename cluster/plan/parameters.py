"""How many weights a method trains and how many stay as they are, and the bytes that they take."""

from dataclasses import dataclass

from ...data.hardware import Precision
from ...training.settings import MethodConfig, MethodKind
from .job import PlannedJob
from .shapes import ModelShape

BYTES_FP32 = 4
BYTES_OF_ADAM = 8
"""Two moments in fp32."""
BYTES_FOUR_BIT = 0.5 + 1 / 64 + 4 / (64 * 256)
"""NF4 with double quantisation: 4 bits, an 8-bit scale for 64 values, an fp32 one for 256 scales
(Dettmers et al. 2023, section 3)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Weights:
    """Numbers of weights, as a method leaves them."""

    trained_layers: int
    """Weights or adapters of the decoder's layers, and the last norm."""
    trained_tokens: int
    """Embedding and head."""
    frozen_linears: int
    """Matrices of the layers: what qlora keeps in 4 bits."""
    frozen_rest: int
    """Norms, embedding, head."""
    trained_in_a_layer: int
    """The most of one layer."""

    @property
    def trained(self) -> int:
        """Return what an optimizer updates."""
        return self.trained_layers + self.trained_tokens

    @property
    def frozen(self) -> int:
        """Return what stays."""
        return self.frozen_linears + self.frozen_rest

    @property
    def all(self) -> int:
        """Return all weights, adapters included."""
        return self.trained + self.frozen


def count_weights(shape: ModelShape, method: MethodConfig) -> Weights:
    """Return what the method trains of the model, as ``training.hf_stack`` sets it up."""
    linears, norms = shape.layers * shape.layer_weights, 2 * shape.hidden * shape.layers
    trained_tokens, frozen_tokens = _token_weights(shape, method)
    above = shape.layers - method.first_layer
    if method.is_adapter:
        own = adapter_weights(shape, method)
        return Weights(
            trained_layers=above * own,
            trained_tokens=trained_tokens,
            frozen_linears=linears,
            frozen_rest=norms + shape.hidden + frozen_tokens,
            trained_in_a_layer=own,
        )
    return Weights(
        trained_layers=above * shape.layer_parameters + shape.hidden,
        trained_tokens=trained_tokens,
        frozen_linears=method.first_layer * shape.layer_weights,
        frozen_rest=method.first_layer * 2 * shape.hidden + frozen_tokens,
        trained_in_a_layer=shape.layer_parameters,
    )


def adapter_weights(shape: ModelShape, method: MethodConfig) -> int:
    """Return the adapter's weights in one layer: r (inputs + outputs) for each chosen matrix.

    LoRA, Hu et al. 2021, section 4.2; DoRA adds a length for each output (Liu et al. 2024).
    """
    chosen = [sizes for name, sizes in shape.linears.items() if name in method.targets]
    lengths = sum(outputs for _, outputs in chosen) if method.kind is MethodKind.dora else 0
    return lengths + sum(method.rank * (inputs + outputs) for inputs, outputs in chosen)


def frozen_bytes(weights: Weights, job: PlannedJob) -> float:
    """Return what the frozen weights take in one whole copy."""
    each = bytes_of(job.precision) if job.method.is_adapter else BYTES_FP32
    if job.method.kind is MethodKind.qlora:
        return weights.frozen_linears * BYTES_FOUR_BIT + weights.frozen_rest * each
    return weights.frozen * each


def four_bit_scales(weights: Weights, job: PlannedJob) -> float:
    """Return what the scales of 4-bit weights take: bitsandbytes keeps them whole in each rank."""
    if job.method.kind is not MethodKind.qlora:
        return 0.0
    return weights.frozen_linears * (BYTES_FOUR_BIT - 0.5)


def bytes_of(precision: Precision) -> int:
    """Return the bytes of a number in this format."""
    return 2 if precision is Precision.bf16 else BYTES_FP32


def _token_weights(shape: ModelShape, method: MethodConfig) -> tuple[int, int]:
    """Return trained and frozen weights of embedding and head, as ``training.token_weights``."""
    embedding = method.train_embeddings
    if embedding is None:
        embedding = not method.is_adapter and method.first_layer == 0
    if shape.is_tied and (embedding or not method.train_head):
        return (shape.embedding, 0) if embedding else (0, shape.embedding)
    head = method.train_head
    if head is None:
        head = not method.is_adapter
    trained = shape.embedding * (int(embedding) + int(head))
    return trained, 2 * shape.embedding - trained
