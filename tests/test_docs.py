"""The documents: their commands are right, links lead somewhere, dependencies are explained."""

import re
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest
from lokal.data.config_files import config_names
from lokal.data.suite import load_suite
from lokal.recipes.entry import Recipe
from lokal.recipes.main import recipe_names

ROOT = Path(__file__).resolve().parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
TOOLS = ("cancel", "freeze", "jobs", "logs", "tokenise", "verify")
CHEAP = (
    "lokal",
    "lokal finetune --help",
    "lokal prepare region=tl name=first",
    "lokal verify runs/first",
)


def commands() -> Iterator[tuple[str, str]]:
    """Yield page and command line of every ``sh`` block."""
    for page in PAGES:
        for block in re.findall(r"^```sh\n(.*?)^```", page.read_text("utf-8"), re.S | re.M):
            for line in block.replace("\\\n", " ").splitlines():
                yield page.relative_to(ROOT).as_posix(), line.partition(" #")[0].strip()


COMMANDS = sorted(set(commands()))


@pytest.mark.parametrize(("page", "command"), COMMANDS)
def test_every_command_in_the_documents_is_right(page: str, command: str) -> None:
    words = [re.sub(r"\$\w+", "some", word) for word in shlex.split(command)]
    if words[0] == "make":
        targets = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.M)
        assert all(word in targets or "=" in word for word in words[1:])
    elif words[0] in ("export", "git", "cd"):
        assert len(words) > 1
    elif "lokal.recipes.finetune" in words:  # under torchrun, perhaps under srun
        check_recipe("finetune", words[words.index("lokal.recipes.finetune") + 1 :])
    elif words[:2] == ["python", "-m"]:
        assert (ROOT / words[2].replace(".", "/") / "__main__.py").is_file()
    elif words[0] == "python":
        assert (ROOT / words[1]).is_file()
    else:
        assert words[0] == "lokal", f"{page}: {command!r}: a kind of command that no test knows"
        if len(words) > 1 and words[1] in recipe_names():
            check_recipe(words[1], words[2:])
        else:
            assert len(words) == 1 or words[1] in TOOLS


def check_recipe(name: str, words: list[str]) -> None:
    recipe: Recipe = getattr(import_module(f"lokal.recipes.{name}"), name)
    settings = [word for word in words if not word.startswith("--")]
    assert recipe.compose_each(settings) if "--multirun" in words else recipe.compose(settings)


def test_every_suite_stands_in_the_documents_with_its_licence() -> None:
    page = (ROOT / "docs" / "suites.md").read_text("utf-8")
    for name in config_names("suite"):
        suite = load_suite(name)
        if suite.format:
            assert re.search(rf"^\| `{name}` \|.* {re.escape(suite.licence)} \|", page, re.M), name
        else:
            assert f"`{name}`" in page


def test_cheap_commands_of_the_documents_run(tmp_path: Path) -> None:
    written = {command for _, command in COMMANDS}
    for command in CHEAP:
        assert command in written
        words = [sys.executable, "-m", "lokal.recipes.main", *shlex.split(command)[1:]]
        result = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True)
        assert result.returncode == 0, f"{command}\n{result.stderr}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)]+)\)", page.read_text("utf-8")):
        if target.startswith("https://"):
            continue
        file, _, heading = target.partition("#")
        goal = (page.parent / file).resolve() if file else page
        assert goal.is_file(), target
        if heading:
            lines = re.findall(r"^#+ (.*)$", goal.read_text("utf-8"), re.M)
            assert heading in [
                re.sub(r"[^\w -]", "", line.lower()).replace(" ", "-") for line in lines
            ]


def test_files_and_keys_named_in_the_pages_exist() -> None:
    for page in PAGES:
        for name in re.findall(
            r"`((?:tests|data|training|recipes|docs)/[\w/]+\.\w+)`", page.read_text()
        ):
            assert (ROOT / name).exists(), f"{page.name}: {name}"


def test_every_proof_exists() -> None:
    tests = "\n".join(path.read_text("utf-8") for path in (ROOT / "tests").rglob("test_*.py"))
    for name in re.findall(r"`(test_\w+)`", (ROOT / "docs/proofs.md").read_text("utf-8")):
        assert f"def {name}(" in tests, name


def test_every_direct_dependency_has_a_line_and_a_caller() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    page = (ROOT / "docs/decisions/dependencies.md").read_text("utf-8")
    code = "\n".join(
        path.read_text("utf-8")
        for folder in ("recipes", "data", "training", "evaluation")
        for path in (ROOT / folder).rglob("*.py")
    )
    # Asked for by Transformers when it reads GGUF and renders chat templates.
    without_import = {"gguf", "jinja2"}
    modules = {
        "huggingface-hub": "huggingface_hub",
        "hydra-core": "hydra",
        "pyyaml": "yaml",
        "python-stdnum": "stdnum",
    }
    for line in project["dependencies"]:
        name = re.split(r"[<>=!]", line)[0].strip()
        assert re.search(rf"^\|.*\b{name}\b.*\|", page, re.M), name
        module = modules.get(name, name)
        assert name in without_import or re.search(rf"^\s*(import|from) {module}\b", code, re.M), (
            f"nothing imports {name}"
        )


def test_every_pin_is_exact_and_has_no_local_suffix() -> None:
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    pins = [line for line in lines if line and not line.startswith("#")]
    assert all(re.fullmatch(r"[a-z0-9.-]+==[\w.]+", pin) for pin in pins)
    assert "torch==2.13.0" in pins
    pinned = {pin.partition("==")[0] for pin in pins}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    direct = [*project["dependencies"], *project["optional-dependencies"]["dev"]]
    assert {re.split(r"[<>=!]", line)[0].strip() for line in direct} <= pinned
