"""The two matrices with a row for each token: embedding and head, which of them a method trains.

Many small Llamas tie them: one matrix is both. Trained together they stay one. When the head alone
is trained it becomes a matrix of its own, and what is saved says so: a model that still claimed to
be tied would drop the trained head when it is opened again.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import torch
import torch.distributed as dist
from torch import nn

from ..data.errors import UserError
from ..data.progress import say
from .settings import MethodConfig


class TokenWeights(NamedTuple):
    """Which of the two are trained, and whether they are one matrix from here on."""

    embedding: bool
    head: bool
    is_tied: bool


def choose_token_weights(method: MethodConfig, *, is_tied: bool, folder: Path) -> TokenWeights:
    """Return what the method trains of them.

    Args:
        is_tied: whether the checkpoint ties its head to its embedding.
        folder: named in errors.

    Raises:
        UserError: the head of a tied model is to stay while its embedding is trained.
    """
    embedding = method.train_embeddings
    if embedding is None:
        embedding = not method.is_adapter and method.first_layer == 0
    if not is_tied:
        head = not method.is_adapter if method.train_head is None else method.train_head
        return TokenWeights(embedding=embedding, head=head, is_tied=False)
    if embedding and method.train_head is False:
        raise UserError(
            f"{folder} ties its head to its embedding: with method.train_embeddings both are "
            "trained, so leave method.train_head out, or set both to false"
        )
    if method.train_head and not embedding:
        _warn_of_untying(folder)
        return TokenWeights(embedding=False, head=True, is_tied=False)
    return TokenWeights(embedding=embedding, head=embedding, is_tied=True)


def apply_token_weights(embedding: nn.Embedding, head: nn.Linear, chosen: TokenWeights) -> None:
    """Make the chosen ones trainable, in fp32, and freeze the others."""
    # Padding comes last in a row and no token looks at it: it has no gradient anyway. But many
    # models pad with their end of turn, whose embedding is to be trained like any other.
    embedding.padding_idx = None
    if not chosen.is_tied and head.weight is embedding.weight:
        head.weight = nn.Parameter(embedding.weight.detach().clone())
    _set_trainable(embedding, on=chosen.embedding)
    if chosen.is_tied:
        head.weight = embedding.weight
    else:
        _set_trainable(head, on=chosen.head)


def token_lr_factors(
    method: MethodConfig, chosen: TokenWeights, *, embedding: str, head: str
) -> Mapping[str, float]:
    """Return the rates of their own, by the parameters' names in the module."""
    ratio = method.embedding_lr_ratio
    names = [name for name, on in ((embedding, chosen.embedding), (head, chosen.head)) if on]
    if ratio == 1.0:
        return {}
    if not names:
        raise UserError(
            f"method.embedding_lr_ratio={ratio:g} has no effect: neither embedding nor head is "
            "trained; set method.train_embeddings=true or leave the ratio out"
        )
    return dict.fromkeys(names[:1] if chosen.is_tied else names, ratio)


def _warn_of_untying(folder: Path) -> None:
    if dist.is_initialized() and dist.get_rank() != 0:
        return
    say(
        "model",
        f"WARNING {folder.name} ties its head to its embedding: training the head alone makes it a "
        "matrix of its own, and the model larger by it",
    )


def _set_trainable(module: nn.Embedding | nn.Linear, *, on: bool) -> None:
    if on:
        module.weight = nn.Parameter(module.weight.detach().to(torch.float32))
    else:
        module.requires_grad_(requires_grad=False)
