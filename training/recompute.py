"""Activation checkpointing (Chen et al. 2016): layers computed again in the backward pass."""

from functools import partial

import torch
from torch import nn
from torch.utils.checkpoint import (
    CheckpointPolicy,
    checkpoint,
    create_selective_checkpoint_contexts,
)

from .settings import Recompute
from .stack import TrainableModel

_aten = torch.ops.aten
_KEPT = {
    _aten.mm.default,
    _aten.addmm.default,
    _aten._scaled_dot_product_flash_attention.default,
    _aten._scaled_dot_product_flash_attention_for_cpu.default,
    _aten._scaled_dot_product_efficient_attention.default,
    _aten._scaled_dot_product_cudnn_attention.default,
}
"""What ``selective`` keeps: dear to compute, and small beside what they are made from."""


def recompute(model: TrainableModel, kind: Recompute) -> None:
    """Make each decoder layer keep less for the backward pass; names of parameters stay.

    The losses do not change: dropout draws the same numbers the second time. A cache that the layer
    writes to would be written twice, so batches with a shared prefix are out.
    """
    if kind is Recompute.none:
        return
    for layer in model.layers:
        _wrap(layer, kind)


def _wrap(layer: nn.Module, kind: Recompute) -> None:
    again = partial(checkpoint, layer.forward, use_reentrant=False)
    if kind is Recompute.selective:
        again = partial(again, context_fn=partial(create_selective_checkpoint_contexts, _policy))
    layer.forward = again


def _policy(context: object, operator: object, *args: object, **kwargs: object) -> CheckpointPolicy:
    del context, args, kwargs
    kept = operator in _KEPT
    return CheckpointPolicy.MUST_SAVE if kept else CheckpointPolicy.PREFER_RECOMPUTE
