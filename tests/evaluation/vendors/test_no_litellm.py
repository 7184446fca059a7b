"""No process that holds the vendors' keys has litellm in it, which was trojanised twice in 2026."""

import re
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]


@pytest.mark.parametrize("name", ["pyproject.toml", "constraints.txt"])
def test_litellm_is_in_no_list(name: str) -> None:
    lines = (ROOT / name).read_text("utf-8").split("\n")
    assert [line for line in lines if re.search(r"lite-?_?llm", line, re.I)] == []


def test_litellm_is_not_installed() -> None:
    with pytest.raises(PackageNotFoundError):
        distribution("litellm")


def test_nothing_imports_litellm() -> None:
    folders = [ROOT / name for name in ("evaluation", "recipes", "training", "data", "cluster")]
    files = [path for folder in folders for path in folder.rglob("*.py")]
    assert len(files) > 100
    assert [path for path in files if "litellm" in path.read_text("utf-8")] == []
