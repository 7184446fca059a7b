"""The command ``lokal``: lists everything fast, finds what is named, and says what is meant."""

import subprocess
import sys
from pathlib import Path

import pytest
from lokal.recipes.main import main

RECIPES = ["compare", "evaluate", "finetune", "pipeline", "prepare", "submit"]
TOOLS = ["cancel", "conclude", "jobs", "logs", "tokenise", "verify"]
PROBE = """
import sys
from lokal.recipes.main import main
code = main(sys.argv[1:])
heavy = {"torch", "hydra", "omegaconf", "transformers", "datatrove", "datasets", "pandas", "numpy"}
print("heavy:", sorted(heavy & set(sys.modules)))
sys.exit(code)
"""


def test_lists_every_recipe_and_tool_with_a_line_each(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 0
    lines = capsys.readouterr().out.splitlines()
    for name in [*RECIPES, *TOOLS]:
        line = next(line for line in lines if line.startswith(f"  {name} "))
        assert len(line.split()) > 3, line
    assert lines.index("recipes (lokal <recipe> key=value ...):") < lines.index(
        "tools (lokal <tool> ...):"
    )


def test_list_and_version_import_nothing_heavy(tmp_path: Path) -> None:
    for words in (["--help"], ["--version"], ["nonsense"]):
        result = _probe(words, tmp_path)
        assert "heavy: []" in result.stdout, words


@pytest.mark.parametrize("name", RECIPES)
def test_help_of_a_recipe_imports_neither_torch_nor_datatrove(name: str, tmp_path: Path) -> None:
    result = _probe([name, "--help"], tmp_path)
    assert result.returncode == 0, result.stderr
    heavy = result.stdout.rpartition("heavy: ")[2]
    assert set(eval(heavy)) <= {"hydra", "omegaconf"}


@pytest.mark.parametrize(
    ("name", "cure"),
    [
        ("finetun", "did you mean 'finetune'?"),
        ("zzz", "choose one of collect_baseline, compare, download"),
    ],
)
def test_an_unknown_name_is_a_users_mistake(
    name: str, cure: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([name]) == 2
    assert cure in capsys.readouterr().err


def test_a_typo_in_finetune_names_the_key_and_suggests_the_right_one(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["finetune", "trainig.lr=1"]) == 2
    error = capsys.readouterr().err
    assert error == "lokal finetune: unknown key 'trainig.lr': did you mean 'training.lr'?\n"


def test_help_shows_entries_of_one_kind_once(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["prepare", "--help"]) == 0
    text = capsys.readouterr().out
    assert text.count(".text_field=text") == 1
    assert "  corpus.sources.<name>, with <name> one of sib200-train, " in text


def test_module_and_command_are_the_same(tmp_path: Path) -> None:
    module = subprocess.run(
        [sys.executable, "-m", "lokal.recipes.finetune", "trainig.lr=1"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert module.returncode == 2
    assert "did you mean 'training.lr'?" in module.stderr
    assert list(tmp_path.iterdir()) == []


def _probe(words: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", PROBE, *words], cwd=folder, capture_output=True, text=True
    )
