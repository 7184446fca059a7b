import errno
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from lokal.data.document import CORPUS_SCHEMA, PART_SCHEMA, from_row, new_document, to_row
from lokal.data.row_file import RowWriter, count_rows, part_files, read_row_file, remove_part


def row(number: int) -> dict[str, object]:
    text = f"ज़िला क्‍ष {number}"
    return to_row(
        new_document(id=str(number), text=text, lang="hi", source="s", licence="MIT", url="")
    )


def write(folder: Path, numbers: range, rows_per_file: int = 4) -> list[Path]:
    with RowWriter(
        folder, stem="train", schema=CORPUS_SCHEMA, rows_per_file=rows_per_file
    ) as writer:
        for number in numbers:
            writer.write(row(number))
    return sorted(folder.iterdir())


def test_opens_the_next_file_when_one_is_full_and_loses_no_row(tmp_path: Path) -> None:
    files = write(tmp_path, range(10))
    names = ["train-00000.parquet", "train-00001.parquet", "train-00002.parquet"]
    assert [file.name for file in files] == names
    ids = [[found["id"] for found in read_row_file(file)] for file in files]
    assert ids == [list("0123"), list("4567"), list("89")]


def test_writes_no_file_where_there_is_no_row(tmp_path: Path) -> None:
    assert write(tmp_path, range(0)) == []


def test_long_rows_make_groups_that_fit_into_memory(tmp_path: Path) -> None:
    with RowWriter(tmp_path, stem="part-00007", schema=CORPUS_SCHEMA) as writer:
        for number in range(9):
            writer.write(row(number) | {"text": "ज़" * 1_000_000})
    (file,) = part_files(tmp_path, "part", rank=7)
    assert pq.read_metadata(file).num_row_groups == 3
    assert count_rows(tmp_path) == 9
    remove_part(tmp_path, "part", rank=7)
    assert count_rows(tmp_path) == 0


def test_the_same_rows_give_the_same_bytes(tmp_path: Path) -> None:
    first, second = write(tmp_path / "a", range(9)), write(tmp_path / "b", range(9))
    assert [file.read_bytes() for file in first] == [file.read_bytes() for file in second]


def test_a_document_survives_its_row() -> None:
    document = new_document(id="1", text="क्‍ष", lang="hi", source="s", licence="MIT", url="u")
    document.metadata |= {"messages": [{"role": "user", "content": "ज़"}], "script_share": 0.5}
    assert set(to_row(document)) == set(PART_SCHEMA.names)
    assert from_row(to_row(document)) == document


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_full_disk_is_an_os_error_that_names_itself(tmp_path: Path) -> None:
    (tmp_path / "train-00000.parquet").symlink_to("/dev/full")
    with pytest.raises(OSError, match="No space left on device") as caught:
        write(tmp_path, range(9), rows_per_file=100)
    assert caught.value.errno == errno.ENOSPC
