import hashlib
import re
from pathlib import Path

import pytest
from lokal.data.errors import UserError
from lokal.data.sample_files import resolve_sample

SAMPLES = resolve_sample("sample:SOURCES.md").parent


def test_sources_names_every_sample_file_with_its_hash() -> None:
    listed = dict(
        re.findall(
            r"^\| `([^`]+)` \| \d+ \| \d+ \| `([0-9a-f]{64})` \|$",
            (SAMPLES / "SOURCES.md").read_text(encoding="utf-8"),
            flags=re.MULTILINE,
        )
    )
    found = {
        path.relative_to(SAMPLES).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in SAMPLES.rglob("*.jsonl*")
    }
    assert listed == found


def test_samples_stay_below_8_mb() -> None:
    assert sum(path.stat().st_size for path in SAMPLES.rglob("*") if path.is_file()) < 8e6


def test_a_sample_path_cannot_leave_the_samples() -> None:
    with pytest.raises(UserError, match="leads out of the shipped samples"):
        resolve_sample("sample:../settings.py")
    assert resolve_sample("some/file.jsonl") == Path("some/file.jsonl")
