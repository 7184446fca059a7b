"""The real model of a planned job with nothing in its weights: built by the stacks' own code.

The stacks read a folder with no more than ``config.json``. Where they would read weights they find
tensors of the meta device, and ``fill`` makes those fake ones of the device that they go to.
"""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor
from torch._subclasses.fake_tensor import FakeTensorMode
from transformers import LlamaConfig, LlamaForCausalLM

from ...training import hf_stack
from ...training.kernels import Kernels
from ...training.late_weights import hollow_llama, leave_out_weights
from ...training.settings import MethodKind, Stack
from ...training.stack import TrainableModel, load_model
from .job import PlannedJob
from .shapes import ModelShape


@runtime_checkable
class HoldsScales(Protocol):
    """A layer in 4 bits: some of what it holds is no parameter."""

    scales: list[Tensor]

    def make_scales(self, device: torch.device) -> None:
        """Make the scales, which stay whole where a strategy splits the weight."""
        ...


def write_config(shape: ModelShape, folder: Path) -> None:
    """Write the ``config.json`` of a Llama of these sizes."""
    config = LlamaConfig(
        vocab_size=shape.vocabulary,
        hidden_size=shape.hidden,
        intermediate_size=shape.intermediate,
        num_hidden_layers=shape.layers,
        num_attention_heads=shape.heads,
        num_key_value_heads=shape.kv_heads,
        head_dim=shape.head_size,
        max_position_embeddings=shape.max_positions,
        tie_word_embeddings=shape.is_tied,
        architectures=["LlamaForCausalLM"],
    )
    (folder / "config.json").write_text(json.dumps(config.to_dict()), encoding="utf-8")


def build_hollow_model(
    job: PlannedJob, folder: Path, *, dtype: torch.dtype, mode: FakeTensorMode
) -> TrainableModel:
    """Return the model that ``load_model`` builds; its ``fill`` makes the weights fake.

    Replaces what the stacks read weights with, for good: call it in a process of its own.
    """
    hf_stack.load_four_bit_llama = _hollow_four_bit_llama
    if job.stack is Stack.torchtune:
        from ...training import torchtune_stack

        torchtune_stack.open_checkpoint = _open_hollow_checkpoint
    model = load_model(
        job.stack,
        folder,
        job.method,
        dtype=dtype,
        seed=0,
        kernels=Kernels(fused=job.fused),
        late=True,
    )
    if job.method.kind is MethodKind.qlora:
        llama = model.module.get_submodule("llama")
        assert isinstance(llama, LlamaForCausalLM)
        leave_out_weights(llama)
    return replace(model, fill=lambda device: _make_fake(model, device, mode))


def _make_fake(model: TrainableModel, device: torch.device, mode: FakeTensorMode) -> None:
    """Give every weight and buffer a fake tensor on the device; tied ones stay one."""
    by_place = dict(model.module.named_parameters(remove_duplicate=False))
    first_place: dict[int, str] = {}
    tied = {
        place: first_place[id(weight)]
        for place, weight in by_place.items()
        if first_place.setdefault(id(weight), place) != place
    }
    with mode:
        model.module.to_empty(device=device)
        for module in model.module.modules():
            if isinstance(module, HoldsScales):
                module.make_scales(device)
    for place, other in tied.items():
        parent, _, name = place.rpartition(".")
        setattr(model.module.get_submodule(parent), name, model.module.get_parameter(other))


def _hollow_four_bit_llama(
    folder: Path, *, dtype: torch.dtype, attention: str = "sdpa"
) -> LlamaForCausalLM:
    from .four_bit_stand_in import put_stand_ins  # it needs bitsandbytes, which is an extra

    llama = hollow_llama(folder, dtype=dtype, attention=attention)
    put_stand_ins(llama)
    return llama


class _HollowSource:
    """A checkpoint of torchtune's names whose tensors hold nothing."""

    def __init__(self, folder: Path) -> None:
        self.config = LlamaConfig.from_pretrained(folder)

    def tensors(self) -> Iterator[tuple[str, Tensor]]:
        """Yield every weight on the meta device."""
        from ...training.torchtune_compat import hf_to_tune
        from ...training.torchtune_decoder import converter_shape

        with torch.device("meta"):
            llama = LlamaForCausalLM(self.config)
        for name, weight in llama.state_dict().items():
            if not (self.config.tie_word_embeddings and name == "lm_head.weight"):
                yield from hf_to_tune({name: weight}, **converter_shape(self.config)).items()


def _open_hollow_checkpoint(folder: Path) -> object:
    from ...training.torchtune_weights import TorchtuneCheckpoint

    source = _HollowSource(folder)
    return TorchtuneCheckpoint(source.config, source)
