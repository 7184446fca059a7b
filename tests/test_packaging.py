"""The wheel holds exactly the tracked code, lives beside torchtune, and runs from anywhere."""

import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tomllib
import venv
import zipfile
from collections.abc import Sequence
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
NOT_SHIPPED = {"tests", "docs", "benchmarks"}


@pytest.fixture(scope="module")
def tracked() -> list[str]:
    """Return the files of the working tree that git knows or would take."""
    listed = _run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], folder=ROOT
    )
    return sorted(name for name in listed.stdout.split("\0") if name and (ROOT / name).exists())


@pytest.fixture(scope="module")
def code_files(tracked: list[str]) -> list[str]:
    folders = {
        name.partition("/")[0] for name in tracked if name.count("/") == 1 and name[-3:] == ".py"
    }
    folders -= NOT_SHIPPED
    return [name for name in tracked if name.partition("/")[0] in folders]


@pytest.fixture(scope="module")
def wheel(tracked: list[str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the wheel that is built through the source distribution, from a copy of the tree."""
    tree = tmp_path_factory.mktemp("tree")
    for name in tracked:
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, tree / name, follow_symlinks=False)
    _run([sys.executable, "-m", "build", "--no-isolation", "--outdir", "out"], folder=tree)
    (made,) = (tree / "out").glob("*.whl")
    return made


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of scripts of an environment with the wheel over the tests' packages."""
    home = tmp_path_factory.mktemp("installed")
    venv.create(home, with_pip=False)
    python = home / "bin" / "python"
    pip = [sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet"]
    _run([*pip, "--no-deps", "--no-index", str(wheel)], folder=home)
    (site,) = (home / "lib").glob("python*/site-packages")
    (site / "tests_packages.pth").write_text(sysconfig.get_paths()["purelib"] + "\n")
    return home / "bin"


def test_every_package_is_listed(code_files: list[str]) -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]
    folders = {str(Path(name).parent) for name in code_files if name.endswith(".py")}
    expected = ["lokal", *sorted(f"lokal.{folder.replace('/', '.')}" for folder in folders)]
    assert sorted(settings["packages"]) == sorted(expected)


def test_every_folder_with_code_is_a_package(code_files: list[str]) -> None:
    folders = {str(Path(name).parent) for name in code_files if name.endswith(".py")}
    assert not [name for name in folders if f"{name}/__init__.py" not in code_files]


def test_the_wheel_holds_exactly_the_tracked_code_folders(
    wheel: Path, code_files: list[str]
) -> None:
    names = [name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name]
    expected = ["lokal/__init__.py", "lokal/py.typed", *(f"lokal/{name}" for name in code_files)]
    assert sorted(names) == sorted(expected)


def test_the_wheel_carries_its_licences(wheel: Path, tracked: list[str]) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    licences = [name for name in tracked if name.startswith("data/samples/licences/")]
    assert licences
    for name in ["LICENSE", *licences]:
        assert any(found.endswith(f".dist-info/licenses/{name}") for found in names), name


def test_types_links_cover_every_code_folder(code_files: list[str]) -> None:
    links = ROOT / "tests" / "typings" / "lokal"
    expected = {"__init__.py", "py.typed", *(name.partition("/")[0] for name in code_files)}
    assert {path.name for path in links.iterdir()} == expected
    assert all(path.resolve() == ROOT / path.name for path in links.iterdir())


def test_bare_names_stay_free(installed: Path, tmp_path: Path) -> None:
    code = (
        "from importlib.util import find_spec; import json, lokal\n"
        "names = ['configs', 'data', 'training', 'evaluation', 'tests']\n"
        "print(json.dumps([lokal.__file__, [n for n in names if find_spec(n)],"
        " find_spec('recipes').origin]))"
    )
    answer = _run([installed / "python", "-W", "ignore", "-c", code], folder=tmp_path)
    place, taken, recipes = json.loads(answer.stdout.splitlines()[-1])
    assert Path(place).is_relative_to(installed.parent)
    assert taken == []
    assert Path(recipes) != ROOT / "recipes" / "__init__.py"  # torchtune's own, untouched


def test_the_code_folders_import_relatively() -> None:
    # Not ruff's TID251: in a clone that is named lokal it takes relative imports for absolute ones.
    folders = ["recipes", "configs", "data", "training", "evaluation", "cluster"]
    files = [path for folder in folders for path in (ROOT / folder).rglob("*.py")]
    absolute = re.compile(r"^\s*(from lokal[. ]|import lokal)", re.MULTILINE)
    assert [path for path in files if absolute.search(path.read_text("utf-8"))] == []


def test_the_installed_command_lists_and_helps(installed: Path, tmp_path: Path) -> None:
    overview = _run([installed / "lokal", "--help"], folder=tmp_path).stdout
    assert "  finetune " in overview
    assert "  verify " in overview
    help_text = _run([installed / "lokal", "prepare", "--help"], folder=tmp_path).stdout
    assert "region=en|hi|id|tl" in help_text


def test_a_recipe_runs_from_the_wheel_in_another_folder(installed: Path, tmp_path: Path) -> None:
    _run([installed / "lokal", "prepare", "region=tl", "corpus=sample", "name=x"], folder=tmp_path)
    corpus = tmp_path / "runs" / "x" / "corpus" / "tl"
    assert list(corpus.glob("train-*.parquet"))
    manifest = json.loads((corpus / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["code"] == {"version": manifest["code"]["version"]}  # no clone, so no commit
    verified = _run([installed / "lokal", "verify", "runs"], folder=tmp_path).stdout
    assert "1 finished folders, 0 damaged" in verified


@pytest.mark.proof
def test_quickstart_runs_from_the_wheel(installed: Path, tmp_path: Path) -> None:
    words = [installed / "lokal", "pipeline", "experiment=quickstart", "regions=[id]"]
    _run(words, folder=tmp_path)
    assert (tmp_path / "runs" / "quickstart" / "report" / "results.json").is_file()


def _run(words: Sequence[str | Path], *, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a command with no way to find the clone by the environment; fail with what it said."""
    # make gives pip its pins by a path that holds in the clone only.
    dropped = {"PYTHONPATH", "PIP_CONSTRAINT", "PIP_BUILD_CONSTRAINT"}
    clean = {key: value for key, value in os.environ.items() if key not in dropped}
    environment = {**clean, "HF_HUB_OFFLINE": "1"}
    result = subprocess.run(words, cwd=folder, env=environment, capture_output=True, text=True)
    assert result.returncode == 0, f"{words}\n{result.stdout}\n{result.stderr}"
    return result
