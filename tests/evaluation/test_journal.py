"""A journal loses nothing but a line that was cut short, and never mixes two works."""

from pathlib import Path

import pytest
from lokal.data.errors import UserError
from lokal.evaluation.journal import Journal

ROW = {"reply": {"reply": "ज़ और क्‍ष\u2028"}}


def written(path: Path, *ids: str, key: str = "k") -> Path:
    with Journal(path, key=key) as journal:
        for item_id in ids:
            journal.add(item_id, ROW)
    return path


def test_goes_on_behind_the_last_whole_line(tmp_path: Path) -> None:
    path = written(tmp_path / "x.partial", "a", "b")
    whole = path.read_bytes()
    for cut in range(len(whole) - 1, len(whole) - 12, -1):
        path.write_bytes(whole[:cut])
        with Journal(path, key="k") as journal:
            assert list(journal.rows) == ["a"]
            journal.add("b", ROW)
        assert path.read_bytes() == whole


def test_a_corrupt_last_line_is_dropped(tmp_path: Path) -> None:
    path = written(tmp_path / "x.partial", "a")
    with path.open("ab") as stream:
        stream.write(b'{"id": "b", "row"\x00\x00\n')
    with Journal(path, key="k") as journal:
        assert journal.rows == {"a": ROW}


def test_other_work_begins_anew(tmp_path: Path) -> None:
    path = written(tmp_path / "x.partial", "a")
    with Journal(path, key="other") as journal:
        assert journal.rows == {}
    assert written(path, key="other").read_text() == '{"key": "other"}\n'


def test_two_processes_do_not_write_one_file(tmp_path: Path) -> None:
    path = tmp_path / "x.partial"
    with (
        Journal(path, key="k"),
        pytest.raises(UserError, match="is being written by another process"),
    ):
        Journal(path, key="k")
