from pathlib import Path

import numpy as np
import pytest
from lokal.data.dedup.array_file import ArrayWriter, open_array, save_array


@pytest.mark.parametrize("num_batches", [0, 1, 30])
def test_array_grows_batch_by_batch_and_is_read_back(tmp_path: Path, num_batches: int) -> None:
    writer = ArrayWriter(tmp_path / "a.npy", dtype="<u2", row_shape=(3,))
    batches = [np.full((700, 3), number, dtype="<u2") for number in range(num_batches)]
    for batch in batches:
        writer.append(batch)
    writer.close()
    expected = np.concatenate([np.empty((0, 3), dtype="<u2"), *batches])
    assert np.array_equal(open_array(tmp_path / "a.npy"), expected)


def test_unclosed_array_cannot_be_read(tmp_path: Path) -> None:
    writer = ArrayWriter(tmp_path / "a.npy", dtype="<u8")
    writer.append(np.arange(4, dtype="<u8"))
    writer.abandon()
    with pytest.raises(ValueError, match="allow_pickle"):
        open_array(tmp_path / "a.npy")


def test_saved_array_replaces_the_old_one_whole(tmp_path: Path) -> None:
    for rows in (9, 0, 2):
        save_array(tmp_path / "a.npy", np.ones((rows, 3), dtype=np.int64))
        assert open_array(tmp_path / "a.npy").shape == (rows, 3)
    assert [file.name for file in tmp_path.iterdir()] == ["a.npy"]
