"""Log-probabilities of all pairs under the untrained model: made once, kept with the run.

So no second model is held, and every strategy can train: the model is asked before it is trained.
"""

# P pairs of the run, R pairs of a batch; the 2 is chosen, rejected

import math
from dataclasses import replace
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor

from ..data.pair_batches import sums_of_sides
from ..data.progress import progress_bar, say
from .feed import Feed
from .stack import TrainableModel
from .strategy import Strategy

REFERENCE_NAME = "reference.safetensors"
_TENSOR = "log_probabilities"


def with_reference(
    feed: Feed, model: TrainableModel, strategy: Strategy, *, folder: Path, key: str
) -> Feed:
    """Return the feed with each pair's log-probabilities, [P, 2] in fp64; every process calls it.

    Args:
        feed: of the pairs.
        model: as it was loaded: no checkpoint is in it yet.
        strategy: shares the work.
        folder: the run's; what is there with the same key is read instead.
        key: says which parent, rows and precision.
    """
    path = folder / REFERENCE_NAME
    kept = _read(path, key)
    num_having = strategy.sum([float(kept is not None)])[0]
    if kept is not None and num_having == strategy.num_ranks:
        return replace(feed, reference_P2=kept)
    made = _ask(model, feed, strategy)
    if strategy.rank == 0:
        temporary = path.with_name(f".{path.name}.tmp")
        save_file({_TENSOR: made}, temporary, metadata={"key": key})
        temporary.replace(path)
        say("dpo", f"wrote {path}: what {len(made)} pairs are to the untrained model")
    return replace(feed, reference_P2=made)


def _read(path: Path, key: str) -> Tensor | None:
    if not path.is_file():
        return None
    with safe_open(path, framework="pt") as file:
        if (file.metadata() or {}).get("key") != key:
            return None
        return file.get_tensor(_TENSOR)


def _ask(model: TrainableModel, feed: Feed, strategy: Strategy) -> Tensor:
    """Return the log-probabilities, each process having asked about its share."""
    num_pairs = len(feed.rows) // 2
    sums_P2 = torch.zeros(num_pairs, 2, dtype=torch.float64)
    feed = replace(feed, reference_P2=sums_P2)  # the batches' place for it, not used here
    # Pairs of like length together, the longest first: memory that runs out does so at once.
    lengths = feed.rows.lengths().reshape(-1, 2).max(axis=1)
    order = sorted(range(num_pairs), key=lambda pair: -lengths[pair])
    size = feed.micro_rows
    batches = [order[start : start + size] for start in range(0, num_pairs, size)]
    turns = math.ceil(len(batches) / strategy.num_ranks)
    was_training = model.module.training
    model.module.eval()  # without dropout
    with progress_bar(
        total=turns, label="reference", unit="batch", hidden=strategy.rank != 0
    ) as bar:
        for turn in range(turns):
            place = turn * strategy.num_ranks + strategy.rank
            mine = batches[place] if place < len(batches) else batches[0]  # a filler
            batch = feed.tensors([[2 * pair, 2 * pair + 1] for pair in mine])
            assert batch.pairs is not None
            pairs = batch.pairs.to(strategy.device)
            losses_N = strategy.losses(replace(batch, pairs=None).to(strategy.device))
            if place < len(batches):
                sums_P2[mine] = -sums_of_sides(losses_N, pairs).cpu()
            bar.update()
    model.module.train(was_training)
    shared = strategy.sum(sums_P2.flatten().tolist())
    return torch.tensor(shared, dtype=torch.float64).view(-1, 2)
