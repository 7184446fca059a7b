"""The model stack: what the loop needs of a model, whichever library builds it."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn

from .settings import MethodConfig, Stack


@dataclass(frozen=True, slots=True)
class TrainableModel:
    """A model ready for the loop.

    ``module(batch)`` returns the summed loss of a Batch; its parameters that require a gradient are
    trained.
    """

    module: nn.Module
    save: Callable[[Path], None]
    """Write the finished weights into a folder, in the form that Transformers and PEFT open."""
    shares_prefix: bool
    """Whether batches may carry a shared prefix."""

    def trained(self) -> dict[str, nn.Parameter]:
        """Return the trained parameters by name, in a fixed order."""
        named = self.module.named_parameters()
        return {name: parameter for name, parameter in named if parameter.requires_grad}


def load_model(
    stack: Stack, folder: Path, method: MethodConfig, *, dtype: torch.dtype, seed: int
) -> TrainableModel:
    """Return the checkpoint in the chosen stack, with the method's weights made trainable.

    Args:
        dtype: format of the frozen weights; trained weights are always fp32.
        seed: of the adapter's first values.
    """
    if stack is Stack.torchtune:
        from .torchtune_stack import load_torchtune_model

        return load_torchtune_model(folder, method, dtype=dtype, seed=seed)
    from .hf_stack import load_hf_model

    return load_hf_model(folder, method, dtype=dtype, seed=seed)
