"""The rows of a mix: whole passes and a drawn rest, near to the tokens that were asked for."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from lokal.data.mix import MixConfig, plan_mix
from lokal.data.mix_rows import mix_rows, supplies_of, take_tokens
from lokal.data.tokens import TokenRows, write_order

ROWS = np.arange(10)
TEN_EACH = np.full(10, 10)


@pytest.mark.parametrize(
    ("tokens", "counts"),
    [(100, [10]), (250, [10, 10, 5]), (34, [3]), (36, [4]), (1, [1]), (399, [10, 10, 10, 10])],
)
def test_takes_whole_passes_then_the_nearest_number_of_rows(tokens: int, counts: list[int]):
    assert [len(part) for part in take_tokens(ROWS, TEN_EACH, tokens=tokens)] == counts


@pytest.fixture
def rows() -> TokenRows:
    """Return 100 Indonesian rows of 20 tokens and 40 English ones of 10, half of them trained."""

    def table(lang: str, number: int, length: int) -> pa.Table:
        return pa.table({
            "id": [f"{lang}/{index}" for index in range(number)],
            "source": ["web"] * number,
            "lang": [lang] * number,
            "ids": pa.array([[index] * length for index in range(number)], pa.list_(pa.int32())),
            "trained": [[False, True] * (length // 2)] * number,
        })  # fmt: skip

    return TokenRows(pa.concat_tables([table("id", 100, 20), table("en", 40, 10)]))


def mixed(rows: TokenRows, *, tokens: int, seed: int = 0):
    settings = MixConfig(enabled=True, tokens=tokens, languages={"id": 0.5, "en": 0.5})
    rations = plan_mix(supplies_of(rows), settings, default={}, language="id", epochs=1)
    return mix_rows(rows, rations, seed=seed)


def test_the_epoch_holds_what_was_asked_and_says_so(rows: TokenRows):
    made = mixed(rows, tokens=2000)
    indonesian, english = made.portions
    assert (indonesian.tokens, indonesian.rows, indonesian.repeats) == (1000, 50, 0.5)
    assert (english.tokens, english.rows, english.repeats) == (1000, 100, 2.5)
    assert english.trained_tokens == 500
    times = np.bincount(made.order, minlength=140)
    assert times[:100].sum() == 50
    assert set(times[100:]) == {2, 3}


def test_pairs_are_drawn_whole(rows: TokenRows):
    settings = MixConfig(enabled=True, tokens=1500, languages={"id": 0.5, "en": 0.5})
    rations = plan_mix(supplies_of(rows), settings, default={}, language="id", epochs=1)
    made = mix_rows(rows, rations, seed=0, rows_together=2)
    chosen, rejected = made.order.reshape(-1, 2).T
    assert (chosen % 2 == 0).all()
    assert (rejected == chosen + 1).all()
    assert [portion.tokens for portion in made.portions] == [760, 740]


def test_copies_of_a_row_stand_in_different_passes(rows: TokenRows):
    order = mixed(rows, tokens=2000).order
    first_copies = order[:90]
    assert len(set(first_copies.tolist())) == 90


def test_the_same_seed_draws_the_same_rows_and_another_draws_others(rows: TokenRows):
    assert mixed(rows, tokens=2000).order.tolist() == mixed(rows, tokens=2000).order.tolist()
    assert (
        mixed(rows, tokens=2000).order.tolist() != mixed(rows, tokens=2000, seed=1).order.tolist()
    )


def test_the_token_folder_reads_in_the_order_of_the_mix(rows: TokenRows, tmp_path: Path):
    with pa.OSFile(str(tmp_path / "rows.arrow"), "wb") as sink:
        writer = pa.ipc.new_file(sink, rows.table.schema)
        writer.write_table(rows.table)
        writer.close()
    write_order(tmp_path, np.array([139, 0, 139]))
    read = TokenRows.open(tmp_path)
    assert len(read) == 3
    assert read.lengths().tolist() == [10, 20, 10]
    assert read.row(0).ids == [39] * 10
