"""The tree holds what sequences share once, and tells who sees whom."""

import random
from collections.abc import Sequence

import pytest
import torch
from lokal.evaluation.likelihood.plan import plan_trees
from lokal.evaluation.likelihood.token_tree import TokenTree, common_length


def _random_sequences(seed: int) -> list[list[int]]:
    """Return sequences of few different tokens: they share much, and some are equal."""
    chance = random.Random(seed)
    return [[chance.randrange(2) for _ in range(chance.randint(1, 12))] for _ in range(30)]


def test_shared_beginnings_stand_once() -> None:
    tree = TokenTree.of([[1, 2, 3], [1, 2, 4, 5], [1, 2, 3], [1, 2]])
    assert tree.ids == [1, 2, 3, 4, 5]
    assert tree.places == [[0, 1, 2], [0, 1, 3, 4], [0, 1, 2], [0, 1]]
    assert tree.ends == [5, 5, 3, 5, 5]


@pytest.mark.parametrize("seed", range(5))
def test_each_token_sees_its_own_sequence_and_nothing_else(seed: int) -> None:
    sequences = _random_sequences(seed)
    tree = TokenTree.of(sequences)
    sees = tree.sees_TT(0, len(tree.ids))
    for tokens, places in zip(sequences, tree.places, strict=True):
        assert [tree.ids[place] for place in places] == tokens
        for depth, place in enumerate(places):
            assert sees[place].nonzero().flatten().tolist() == places[: depth + 1]
            assert tree.depths[place] == depth


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("longest", [1, 3, 8, 1000])
def test_blocks_cover_the_row_and_see_what_the_tokens_see(seed: int, longest: int) -> None:
    tree = TokenTree.of(_random_sequences(seed))
    whole = tree.sees_TT(0, len(tree.ids))
    blocks = tree.blocks(longest=longest)
    covered = sorted(place for block in blocks for place in range(block.start, block.end))
    assert covered == list(range(len(tree.ids)))
    assert max(block.end - block.start for block in blocks) <= longest
    for block in blocks:
        sees = torch.zeros_like(whole[block.start : block.end])
        for start, end in block.sees:
            sees[:, start:end] = True
        sees[:, block.start : block.end] = tree.sees_TT(block.start, block.end)
        assert torch.equal(sees, whole[block.start : block.end])


def _plan(contexts: Sequence[list[int]], batch_tokens: int) -> list[list[int]]:
    plan = plan_trees(contexts, [0] * len(contexts), batch_tokens=batch_tokens)
    return [batch.members for batch in plan]


def test_batches_are_cut_where_neighbours_share_the_least() -> None:
    contexts = [[1, 1, place] for place in range(4)] + [[2, 2, place] for place in range(4)]
    assert _plan(contexts, 10) == [[0, 1, 2, 3], [4, 5, 6, 7]]
    assert _plan(contexts, 7) == [[0, 1, 2, 3], [4, 5, 6, 7]]


def test_every_prompt_is_planned_once_and_longer_ones_stand_alone() -> None:
    contexts = _random_sequences(7)
    for batch_tokens in (1, 10, 1000):
        members = [index for batch in _plan(contexts, batch_tokens) for index in batch]
        assert sorted(members) == list(range(len(contexts)))
    assert _plan([[1] * 9, [2] * 9], 5) == [[0], [1]]
    assert _plan([], 5) == []


def test_common_length_counts_equal_first_tokens() -> None:
    assert common_length([1, 2, 3], [1, 2, 4]) == 2
    assert common_length([1, 2], [1, 2, 4]) == 2
    assert common_length([3], [4]) == 0
    assert common_length([], [4]) == 0
    long = list(range(1000))
    for place in (0, 1, 500, 998, 999):
        assert common_length(long, [*long[:place], -1, *long[place + 1 :]]) == place
