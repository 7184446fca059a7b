"""``lokal verify`` finds a flipped byte, a missing file and a broken manifest, and says where."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from lokal.data.manifest import write_manifest
from lokal.recipes.tools.verify import main

NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def run(tmp_path: Path) -> Path:
    for name in ("corpus/hi", "model"):
        folder = tmp_path / "run" / name
        folder.mkdir(parents=True)
        (folder / "one.txt").write_text("ज़िला", encoding="utf-8")
        (folder / "two.bin").write_bytes(bytes(1000))
        write_manifest(
            folder, recipe="toy", key="k", config={}, inputs=[], started_at=NOW, finished_at=NOW
        )
    return tmp_path / "run"


def test_a_whole_run_is_said_to_be_whole(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(run)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"whole    {run}/corpus/hi  (toy, 2 files, 0.0 MB)"
    assert lines[-1] == "2 finished folders, 0 damaged"


def test_a_flipped_byte_is_found(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    content = bytearray(1000)
    content[500] = 1
    (run / "model/two.bin").write_bytes(content)
    assert main([str(run)]) == 1
    text = capsys.readouterr().out
    assert f"damaged  {run}/model/two.bin has another content than its manifest says" in text
    assert f"whole    {run}/corpus/hi" in text
    assert "2 finished folders, 1 damaged" in text


def test_a_missing_and_a_shortened_file_are_found(
    run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (run / "model/one.txt").unlink()
    (run / "corpus/hi/two.bin").write_bytes(bytes(999))
    assert main([str(run)]) == 1
    text = capsys.readouterr().out
    assert f"damaged  {run}/model/one.txt is missing" in text
    assert f"damaged  {run}/corpus/hi/two.bin has 999 bytes, not 1000" in text


def test_a_broken_manifest_does_not_hide_the_other_folders(
    run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (run / "corpus/hi/manifest.json").write_text("{")
    assert main([str(run)]) == 1
    text = capsys.readouterr().out
    assert "is not a lokal manifest" in text
    assert f"whole    {run}/model" in text


def test_nothing_to_check_is_a_users_mistake(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(tmp_path)]) == 2
    assert main([str(tmp_path / "nope")]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert "holds no finished folder: name a run's folder" in lines[0]
    assert "does not exist" in lines[1]
