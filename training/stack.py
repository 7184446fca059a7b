"""The model stack: what the loop needs of a model, whichever library builds it."""

import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor, nn

from ..data.errors import UserError
from .kernels import PLAIN, Kernels
from .settings import MethodConfig, Stack


class Figures(NamedTuple):
    """What a model can tell of its last forward pass beside the losses."""

    names: tuple[str, ...]
    sums: Callable[[], Tensor]
    """Return the sum of each figure over that pass's losses, in the order of the names."""


@dataclass(frozen=True, slots=True)
class TrainableModel:
    """A model ready for the loop.

    ``module(batch)`` returns the loss of each target of a Batch, [N] in fp32, or of each of its
    pairs, [R]; its parameters that require a gradient are trained.
    """

    module: nn.Module
    layers: Sequence[nn.Module]
    """The decoder's layers, in order: what a strategy splits or recomputes one at a time."""
    save: Callable[[Path, Mapping[str, Tensor]], None]
    """Write the values of ``saved()`` into a folder, in the form that Transformers and PEFT open.
    """
    shares_prefix: bool
    """Whether batches may carry a shared prefix."""
    saves_all: bool
    """Whether the finished model holds all weights, not only the trained ones."""
    needs_mask: bool = True
    """Whether it tells packed documents apart by a mask, not by their lengths."""
    figures: Figures | None = None
    """Told of each step, divided by the number of its losses."""
    max_positions: int | None = None
    """Tokens of the longest document that the model's positions reach; None: not known."""
    fill: Callable[[torch.device], None] | None = None
    """Where the weights were left out: put in those that this process holds, on that device, once
    a strategy has split them."""
    lr_factors: Mapping[str, float] = field(default_factory=dict)
    """Trained parameters with a learning rate of their own: its ratio to ``training.lr``."""

    def trained(self) -> dict[str, nn.Parameter]:
        """Return the trained parameters by name, in a fixed order."""
        named = self.module.named_parameters()
        return {name: parameter for name, parameter in named if parameter.requires_grad}

    def saved(self) -> dict[str, nn.Parameter]:
        """Return the parameters that the finished model folder holds, by name."""
        return dict(self.module.named_parameters()) if self.saves_all else self.trained()


def load_model(
    stack: Stack,
    folder: Path,
    method: MethodConfig,
    *,
    dtype: torch.dtype,
    seed: int,
    kernels: Kernels = PLAIN,
    late: bool = False,
) -> TrainableModel:
    """Return the checkpoint in the chosen stack, with the method's weights made trainable.

    Args:
        dtype: format of the frozen weights; trained weights are always fp32.
        seed: of the adapter's first values.
        kernels: what computes the layers of ``stack=hf``; the other stack has its own.
        late: leave the weights out until ``fill``, where stack and method can.
    """
    if stack is Stack.torchtune:
        from .torchtune_stack import load_torchtune_model

        return load_torchtune_model(folder, method, dtype=dtype, seed=seed)
    from .hf_stack import load_hf_model

    return load_hf_model(folder, method, dtype=dtype, seed=seed, kernels=kernels, late=late)


def compile_layers(model: TrainableModel) -> None:
    """Compile the decoder's layers one by one, when they are first called, for rows of any length.

    Raises:
        UserError: there is no C++ compiler for a CPU's code.
    """
    if not torch.cuda.is_available() and shutil.which("g++") is None:
        raise UserError("training.compile=true needs a C++ compiler on a CPU: install g++")
    for layer in model.layers:
        layer.compile(dynamic=True)
