"""Answers for what looks at a number in a step whose tensors hold none."""

from importlib import import_module
from typing import Any

from ...data.batches import Batch
from ...data.flat_batch import FlatBatch
from ...training import fused_llama, hf_stack, strategy
from .ddp_stand_in import DdpStandIn


def answer_what_looks_at_numbers(*, on_gpu: bool) -> None:
    """Give norms, step counts and places of documents the answers of an ordinary step.

    Changes PyTorch and Transformers for good.

    Args:
        on_gpu: let AdamW update all weights at once, as it does there.
    """
    clip = strategy.clip_grad_norm_

    def clip_to_one(parameters: Any, max_norm: float) -> float:  # noqa: ANN401  torch's own
        clip(parameters, max_norm)
        return 1.0

    strategy.clip_grad_norm_ = clip_to_one  # pyright: ignore[reportAttributeAccessIssue]
    fused_llama.flatten = hf_stack.flatten = _flatten_full_rows
    _put("torch.optim.adam", "_get_value", _step_count)
    _put("transformers.masking_utils", "find_packed_sequence_indices", _one_document_a_row)
    _put("torch.nn.parallel", "DistributedDataParallel", DdpStandIn)
    if on_gpu:
        devices = "_get_foreach_kernels_supported_devices"
        _put("torch.optim.optimizer", devices, _devices_of_our_tensors)


def _put(module: str, name: str, value: object) -> None:
    setattr(import_module(module), name, value)


def _step_count(_: object) -> float:
    return 1.0


def _one_document_a_row(_: object) -> None:
    return None


def _devices_of_our_tensors() -> list[str]:
    return ["cpu"]


def _flatten_full_rows(batch: Batch) -> FlatBatch:
    """Return the batch's tokens: rows without padding need no look at their lengths."""
    return FlatBatch(
        ids_N=batch.ids_BT.flatten(),
        positions_N=batch.positions_BT.flatten(),
        target_at_M=batch.target_at_N,
        lengths=[length for lengths in batch.lengths for length in lengths],
    )
