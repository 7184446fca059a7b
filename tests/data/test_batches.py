"""The batch plan: every row once an epoch, the same for any number of processes."""

import numpy as np
import pytest
import torch
from lokal.data.batches import BatchPlan, collate
from lokal.data.chat import EncodedConversation

LENGTHS = np.random.default_rng(0).integers(5, 60, 101).tolist()


def plan(pack_tokens: int | None = None, seed: int = 0) -> BatchPlan:
    return BatchPlan(LENGTHS, rows_per_step=8, pack_tokens=pack_tokens, seed=seed)


def rows_of_epoch(made: BatchPlan, epoch: int) -> list[int]:
    first = epoch * made.steps_per_epoch
    steps = range(first, first + made.steps_per_epoch)
    return [row for step in steps for pack in made.step_packs(step) for row in pack]


@pytest.mark.parametrize("pack_tokens", [None, 128])
def test_every_row_stands_in_each_epoch_exactly_once(pack_tokens: int | None):
    for epoch in (0, 2):
        assert sorted(rows_of_epoch(plan(pack_tokens), epoch)) == list(range(101))


def test_another_epoch_and_another_seed_give_another_order():
    assert rows_of_epoch(plan(), 0) != rows_of_epoch(plan(), 1)
    assert rows_of_epoch(plan(), 0) != rows_of_epoch(plan(seed=1), 0)


@pytest.mark.parametrize("pack_tokens", [None, 128])
def test_a_run_resumed_at_any_step_of_three_epochs_reads_the_very_rows(pack_tokens: int | None):
    unbroken = plan(pack_tokens)
    steps = range(3 * unbroken.steps_per_epoch)
    in_order = [unbroken.step_packs(step) for step in steps]
    assert in_order == [plan(pack_tokens).step_packs(step) for step in steps]


def test_packs_no_row_longer_than_the_limit_and_cuts_none():
    made = plan(pack_tokens=128)
    packs = [pack for step in range(made.steps_per_epoch) for pack in made.step_packs(step)]
    assert max(sum(LENGTHS[row] for row in pack) for pack in packs) <= 128
    assert len(packs) < 101 / 2


@pytest.mark.parametrize("num_ranks", [1, 2, 3])
def test_processes_share_a_step_without_loss_or_repeat(num_ranks: int):
    made = plan()
    for step in (0, made.steps_per_epoch - 1):
        shares = [
            made.micro_batches(step, rank=rank, num_ranks=num_ranks, micro_rows=2)
            for rank in range(num_ranks)
        ]
        assert len({len(share) for share in shares}) == 1
        rows = [row for share in shares for some in share for pack in some for row in pack]
        assert sorted(rows) == sorted(row for pack in made.step_packs(step) for row in pack)


def test_packed_documents_see_only_themselves_and_the_prefix():
    first = EncodedConversation([1, 2, 10, 11, 12], [False, False, False, True, True])
    second = EncodedConversation([1, 2, 20, 21], [False, False, False, True])
    batch = collate([[first, second]], prefix=[1, 2], pad_id=0)
    assert batch.ids_BT.tolist() == [[10, 11, 20]]
    assert batch.positions_BT.tolist() == [[2, 3, 2]]
    assert batch.mask_BTS is not None
    assert batch.mask_BTS[0].tolist() == [
        [True, True, True, False, False],
        [True, True, True, True, False],
        [True, True, False, False, True],
    ]
    assert batch.target_at_N.tolist() == [0, 1, 2]
    assert batch.targets_N.tolist() == [11, 12, 21]


def test_shorter_rows_are_padded_and_never_trained_on_padding():
    rows = [
        EncodedConversation([5, 6, 7, 8], [False, True, True, True]),
        EncodedConversation([5, 9], [False, True]),
    ]
    batch = collate([[row] for row in rows], prefix=[], pad_id=0)
    assert batch.ids_BT.tolist() == [[5, 6, 7], [5, 0, 0]]
    assert batch.mask_BTS is None
    assert torch.equal(batch.target_at_N, torch.tensor([0, 1, 2, 3]))
