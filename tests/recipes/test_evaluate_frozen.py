"""``lokal evaluate frozen=...``: finished replies are a system of another run, as they are."""

import json
import shutil
from pathlib import Path

import pytest
from lokal.data.manifest import find_damage, read_manifest
from lokal.data.suite import load_suite, read_items
from lokal.recipes.compare import compare
from lokal.recipes.evaluate import evaluate

from ..servers.chat_server import ChatServer, Said

LABELS = load_suite("sib200").labels


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a root with items and two served systems, of which the child is always right."""
    tmp_path = tmp_path_factory.mktemp("served")
    right: dict[str, str] = {}
    for language in ("hi", "en"):
        items = read_items(load_suite("sib200"), split="dev", language=language)[:20]
        right |= {item.text: item.label for item in items}
        rows = [{"id": item.id, "text": item.text, "label": item.label} for item in items]
        lines = [json.dumps(row, ensure_ascii=False) + "\n" for row in rows]
        (tmp_path / f"{language}.jsonl").write_text("".join(lines), encoding="utf-8")

    def reply(body: dict, number: int) -> Said:
        text = body["messages"][-1]["content"]
        return Said(right[text] if body["model"] == "child" or len(text) % 2 else LABELS[0])

    def named(body: dict, number: int) -> Said:
        return reply(body, number)._replace(model=body["model"])

    with ChatServer(named, models=["parent", "child"]) as server:
        for system in ("parent", "child"):
            served = ["server=vllm", f"server.url={server.url}", f"server.model={system}"]
            assert run(tmp_path, f"system={system}", *served) == 0
    return tmp_path


@pytest.fixture
def folder(served: Path, tmp_path: Path) -> Path:
    """Return a copy of it that the test may alter; the server is closed."""
    return Path(shutil.copytree(served, tmp_path / "root"))


def run(folder: Path, *words: str, name: str = "x") -> int:
    items = f"suite.items.test='{folder}/{{region}}.jsonl'"
    common = [items, "languages=[hi,en]", f"root={folder}/runs", f"name={name}"]
    return evaluate.main([*common, *words])


def freeze(folder: Path, *words: str, system: str = "child") -> int:
    frozen = f"frozen={folder}/runs/x/generations/{system}"
    return run(folder, f"system={system}", frozen, *words, name="y")


def made(folder: Path, name: str = "y", system: str = "child") -> Path:
    return folder / f"runs/{name}/generations/{system}"


def test_replies_are_taken_byte_by_byte_and_once(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert freeze(folder) == 0
    for language in ("hi", "en"):
        part = f"sib200-{language}.jsonl"
        assert (made(folder) / part).read_bytes() == (made(folder, "x") / part).read_bytes()
    old, new = read_manifest(made(folder, "x")), read_manifest(made(folder))
    assert old is not None
    assert new is not None
    assert find_damage(made(folder), new) == []
    assert (new.key, new.parts, new.counts) == (old.key, old.parts, old.counts)
    assert new.config == old.config | {"frozen": str(made(folder, "x"))}
    assert freeze(folder) == 0
    assert "has all 2 parts: nothing to do" in capsys.readouterr().err


def test_compare_says_the_same_of_frozen_systems(folder: Path) -> None:
    found: list[dict] = []
    for name in ("x", "y"):
        if name == "y":
            assert freeze(folder, system="parent") == 0
            assert freeze(folder) == 0
            shutil.rmtree(folder / "runs/x")
        items = f"suite.items.test='{folder}/{{region}}.jsonl'"
        words = ["regions=[hi]", "baselines=[]", "child=child", "exit_by_verdict=false"]
        assert compare.main([items, *words, f"root={folder}/runs", f"name={name}"]) == 0
        report = folder / f"runs/{name}/report"
        found.append(json.loads((report / "results.json").read_text(encoding="utf-8")))
    assert found[0]["regions"] == found[1]["regions"]
    assert len(found[0]["regions"]) == 1


def test_a_recording_may_be_frozen_too(folder: Path) -> None:
    items = "suite.items.test='sample:sib200/{region}_test.jsonl'"
    words = ["system=gpt-4", items, "languages=[hi]"]
    assert run(folder, *words, "baseline=sib200_gpt4") == 0
    assert run(folder, *words, f"frozen={made(folder, 'x', 'gpt-4')}", name="y") == 0
    manifest = read_manifest(made(folder, "y", "gpt-4"))
    assert manifest is not None
    assert manifest.config["kind"] == "recorded"
    assert isinstance(manifest.config["recording"], dict)


def test_other_items_are_left_out_in_one_line(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = (folder / "hi.jsonl").read_text(encoding="utf-8").splitlines(keepends=True)
    (folder / "hi.jsonl").write_text("".join(lines[:-1]), encoding="utf-8")
    assert freeze(folder) == 5
    assert f"left out: sib200-hi (answered there from other items than {folder}/hi.jsonl)" in (
        capsys.readouterr().err
    )
    assert [path.name for path in made(folder).glob("*.jsonl")] == ["sib200-en.jsonl"]


def test_another_prompt_is_left_out(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert freeze(folder, f"suite.labels=[{','.join(reversed(LABELS))}]", "languages=[hi]") == 2
    assert "sib200-hi (asked there with another prompt" in capsys.readouterr().err


def test_what_was_never_asked_is_left_out(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.copy(folder / "hi.jsonl", folder / "id.jsonl")
    assert freeze(folder, "languages=[id,hi]") == 5
    assert "left out: sib200-id (not answered there)" in capsys.readouterr().err


def damaged(folder: Path) -> None:
    path = made(folder, "x") / "sib200-en.jsonl"
    path.write_text(path.read_text("utf-8").replace("travel", "health"), encoding="utf-8")


def unfinished(folder: Path) -> None:
    (made(folder, "x") / "manifest.json").unlink()


def of_another_recipe(folder: Path) -> None:
    path = made(folder, "x") / "manifest.json"
    content = json.loads(path.read_text("utf-8"))
    path.write_text(json.dumps(content | {"config": {}}), encoding="utf-8")


@pytest.mark.parametrize(
    ("break_it", "message"),
    [
        (damaged, "has another content than its manifest says"),
        (unfinished, "is unfinished (no manifest.json)"),
        (of_another_recipe, "holds no replies that lokal evaluate made"),
    ],
)
def test_a_folder_that_cannot_be_trusted_is_refused_in_one_line(
    folder: Path, capsys: pytest.CaptureFixture[str], break_it, message: str
) -> None:
    break_it(folder)
    assert freeze(folder) == 2
    assert message in capsys.readouterr().err
    assert not made(folder).exists()


def test_a_system_is_not_frozen_into_itself(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(folder, "system=child", f"frozen={made(folder, 'x')}") == 2
    assert "is this system's own folder" in capsys.readouterr().err


def test_the_server_need_not_be_there(folder: Path) -> None:
    assert freeze(folder, "system=renamed") == 0
    assert (made(folder, "y", "renamed") / "sib200-hi.jsonl").is_file()
