"""A checkpoint as ``stack=torchtune`` reads it: its config, and its weights one after another.

Two layouts: Transformers' (``config.json``, safetensors) and Meta's (``params.json``,
``consolidated.*.pth``).
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import torch
from safetensors import safe_open
from torch import Tensor
from transformers import LlamaConfig

from ..data.checkpoint_folder import is_original
from .meta_checkpoint import MetaCheckpoint
from .torchtune_compat import hf_to_tune, meta_to_tune
from .torchtune_decoder import converter_shape
from .torchtune_four_bit import quantise


class _Source(Protocol):
    """One layout on disk."""

    @property
    def config(self) -> LlamaConfig:
        """Return the model's shape, as Transformers describes it."""
        ...

    def tensors(self) -> Iterator[tuple[str, Tensor]]:
        """Yield every weight by torchtune's name, in the format of the file."""
        ...


@dataclass(frozen=True, slots=True)
class TorchtuneCheckpoint:
    """A checkpoint's config and its weights by torchtune's names."""

    config: LlamaConfig
    _source: _Source

    def weights(self, *, dtype: torch.dtype, four_bit: bool) -> Iterator[tuple[str, Tensor]]:
        """Yield the weights; only one of them is held in the format of the file.

        Args:
            four_bit: quantise the linear layers of the decoder.
        """
        for name, value in self._source.tensors():
            if "norm" in name:
                # torchtune's norms compute in fp32: in another format they warn and are slow.
                yield name, value.to(torch.float32)
            elif four_bit and name.startswith("layers."):
                yield name, quantise(value.to(dtype), name=name)
            else:
                yield name, value.to(dtype)


def open_checkpoint(folder: Path) -> TorchtuneCheckpoint:
    """Return the folder's checkpoint, whichever layout it has.

    Raises:
        UserError: a folder in Meta's layout is not whole.
    """
    source = _MetaSource(folder) if is_original(folder) else _HfSource(folder)
    return TorchtuneCheckpoint(source.config, source)


class _HfSource:
    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.config = LlamaConfig.from_pretrained(folder)

    def tensors(self) -> Iterator[tuple[str, Tensor]]:
        """Yield the weights of all files; q and k permuted."""
        index = self._folder / "model.safetensors.index.json"
        names = ["model.safetensors"]
        if index.is_file():
            content = json.loads(index.read_text(encoding="utf-8"))
            names = sorted(set(content["weight_map"].values()))
        shape = converter_shape(self.config)
        for name in names:
            with safe_open(self._folder / name, framework="pt") as file:
                for key in file.keys():  # noqa: SIM118 - no dict
                    yield from hf_to_tune({key: file.get_tensor(key)}, **shape).items()


class _MetaSource:
    def __init__(self, folder: Path) -> None:
        self._checkpoint = MetaCheckpoint(folder)
        self.config = self._checkpoint.config()

    def tensors(self) -> Iterator[tuple[str, Tensor]]:
        """Yield the weights, whole; Meta's order of rows is torchtune's own."""
        for name, value in self._checkpoint.tensors():
            yield from meta_to_tune({name: value}).items()
