"""A folder counts as finished only when its manifest fits the work and its files are whole."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from lokal.data.errors import UserError
from lokal.data.manifest import (
    find_damage,
    is_done,
    read_manifest,
    require_whole,
    sha256_of_json,
    work_key,
    write_json,
    write_manifest,
    write_text,
)

NOW = datetime(2026, 1, 1, tzinfo=UTC)
NAMES = ["id.txt", "hi.txt", "tl.txt"]
TEXTS = ["laut di tiga sisi", "ज़िला क्‍षमा", "ang ng̃alan"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "made"
    (made / "inner").mkdir(parents=True)
    for name, text in zip(NAMES, TEXTS, strict=True):
        write_text(made / "inner" / name, text)
    return made


def finish(folder: Path, *, key: str = "k", inputs: list[Path] | None = None) -> None:
    write_manifest(
        folder,
        recipe="toy",
        key=key,
        config={"seed": 0},
        inputs=inputs or [],
        started_at=NOW,
        finished_at=NOW,
        licences=["MIT", "CC BY 4.0", "MIT"],
    )


def test_records_every_file_with_hash_and_size(folder: Path) -> None:
    (folder / "left.tmp").write_text("a cut-off write")
    finish(folder)
    manifest = read_manifest(folder)
    assert manifest is not None
    assert [record.path for record in manifest.outputs] == sorted(f"inner/{name}" for name in NAMES)
    assert manifest.outputs[0].size_bytes == len("ज़िला क्‍षमा".encode())
    assert manifest.licences == ["CC BY 4.0", "MIT"]
    assert manifest.packages["torch"]
    assert not find_damage(folder, manifest)


def test_a_folder_without_manifest_is_not_done(folder: Path) -> None:
    assert read_manifest(folder) is None
    assert not is_done(folder, key="k")
    with pytest.raises(UserError, match="is unfinished"):
        require_whole(folder)
    with pytest.raises(UserError, match="is unfinished"):
        work_key("toy", {}, [folder])


def test_the_same_work_is_done_and_other_work_is_refused_unless_overwritten(folder: Path) -> None:
    finish(folder, key="first")
    assert is_done(folder, key="first")
    assert is_done(folder, key="first", overwrite=True)
    with pytest.raises(UserError, match=r"choose another name=\.\.\., or overwrite=true"):
        is_done(folder, key="second")
    assert not is_done(folder, key="second", overwrite=True)


def test_finished_work_with_a_lost_file_is_not_done(folder: Path) -> None:
    finish(folder)
    (folder / "inner" / "hi.txt").unlink()
    assert not is_done(folder, key="k")


def test_a_flipped_byte_is_found_before_the_folder_is_read(folder: Path) -> None:
    finish(folder)
    (folder / "inner" / "id.txt").write_text("laut di lima sisi")
    with pytest.raises(UserError, match=r"id\.txt has another content .* make it again"):
        require_whole(folder)


@pytest.mark.parametrize("content", ["", "{", "[]", '{"recipe": "toy"}', '{"recipe'])
def test_a_broken_manifest_is_named(folder: Path, content: str) -> None:
    (folder / "manifest.json").write_text(content)
    with pytest.raises(UserError, match=r"manifest\.json is not a lokal manifest"):
        read_manifest(folder)


def test_the_key_follows_recipe_settings_and_content_but_not_the_place(
    folder: Path, tmp_path: Path
) -> None:
    file = folder / "inner" / "id.txt"
    moved = tmp_path / "moved.txt"
    moved.write_bytes(file.read_bytes())
    key = work_key("toy", {"a": 1, "b": [2]}, [file])
    assert key == work_key("toy", {"b": [2], "a": 1}, [moved])
    assert key != work_key("toy", {"a": 2, "b": [2]}, [file])
    assert key != work_key("other", {"a": 1, "b": [2]}, [file])
    moved.write_text("other")
    assert key != work_key("toy", {"a": 1, "b": [2]}, [moved])


def test_a_finished_folder_stands_for_itself_as_input(folder: Path, tmp_path: Path) -> None:
    finish(folder)
    key = work_key("next", {}, [folder])
    made = tmp_path / "next"
    made.mkdir()
    finish(made, inputs=[folder])
    manifest = read_manifest(made)
    assert manifest is not None
    assert manifest.inputs[0].path == str(folder)
    (folder / "inner" / "new.txt").write_text("more")
    finish(folder)
    assert work_key("next", {}, [folder]) != key


def test_a_missing_input_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"gone\.txt does not exist"):
        work_key("toy", {}, [tmp_path / "gone.txt"])


def test_a_failed_write_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    write_json(path, {"name": "हिन्दी"})
    with pytest.raises(ValueError, match="Out of range float"):
        write_json(path, {"loss": float("nan")})
    assert json.loads(path.read_text(encoding="utf-8")) == {"name": "हिन्दी"}
    assert "हिन्दी" in path.read_text(encoding="utf-8")


def test_canonical_hash_ignores_the_order_of_keys() -> None:
    assert sha256_of_json({"a": 1, "b": "ज़"}) == sha256_of_json({"b": "ज़", "a": 1})
    assert sha256_of_json([1, 2]) != sha256_of_json([2, 1])
