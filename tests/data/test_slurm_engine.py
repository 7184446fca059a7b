"""``engine=slurm`` on a real SLURM of two nodes."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from lokal.data.manifest import sha256_of_file
from lokal.recipes.prepare import prepare

from ..local_slurm import needs_slurm, partition


def hashes(folder: Path) -> dict[str, str]:
    files = (file for file in folder.rglob("*") if file.is_file() and file.name != "manifest.json")
    return {str(file.relative_to(folder)): sha256_of_file(file) for file in files}


def slurm_words(tmp_path: Path) -> list[str]:
    engine = ["engine=slurm", f"engine.partition={partition()}", "engine.memory_gb=1"]
    return [*engine, f"root={tmp_path}", "dedup.num_bands=2", "dedup.min_linked=0.8"]


def test_without_sbatch_the_reason_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    words = ["engine=slurm", "engine.partition=main", f"root={tmp_path}", "region=tl"]
    assert prepare.main(words) == 2
    assert "engine=slurm needs sbatch on this machine" in capsys.readouterr().err


def test_a_partition_must_be_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert prepare.main(["engine=slurm"]) == 2
    assert "engine.partition is empty: name one of those" in capsys.readouterr().err


@pytest.mark.proof
@needs_slurm
def test_two_nodes_make_the_bytes_of_one_machine(tmp_path: Path) -> None:
    local = [f"root={tmp_path}", "dedup.num_bands=2", "dedup.min_linked=0.8"]
    assert prepare.main(["region=tl", *local, "name=local"]) == 0
    assert prepare.main(["region=tl", *slurm_words(tmp_path), "name=nodes"]) == 0
    found, expected = (hashes(tmp_path / name / "corpus" / "tl") for name in ("nodes", "local"))
    assert found == expected
    jobs = subprocess.run(
        ["scontrol", "show", "job", "--oneliner"], capture_output=True, text=True, check=True
    )
    mine = [line for line in jobs.stdout.splitlines() if str(tmp_path) in line]
    assert len({host for line in mine for host in re.findall(r"BatchHost=(\S+)", line)}) >= 2


@needs_slurm
def test_a_task_that_fails_is_named_and_no_job_is_left(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "own.jsonl"
    file.write_text('{"text": "Ito ay isang magandang araw."}\n{"text": "putol\n', encoding="utf-8")
    source = [f"corpus.sources.mine.path={file}", "corpus.sources.mine.licence=MIT"]
    words = ["region=tl", "corpus=local", *source, "corpus.on_bad_row=stop", "name=broken"]
    assert prepare.main([*words, *slurm_words(tmp_path)]) == 1
    errors = capsys.readouterr().err
    assert f"(lokal-read) ended without task 0: {file}:2: not JSON" in errors
    numbers = re.findall(r"(\d+) \(lokal-", errors)
    queue = ["squeue", "--noheader", "--jobs", ",".join(numbers)]
    left = subprocess.run(queue, capture_output=True, text=True, check=False)
    assert left.stdout.strip() == ""


@pytest.mark.proof
@needs_slurm
def test_jobs_outlive_their_follower_and_the_same_command_follows_them(tmp_path: Path) -> None:
    words = ["region=id", *slurm_words(tmp_path), "name=left"]
    command = [sys.executable, "-m", "lokal.recipes.prepare", *words]
    jobs = tmp_path / "left" / "corpus" / ".id.tmp" / "slurm-jobs.json"
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as follower:
        deadline = time.monotonic() + 60
        while not jobs.is_file() and time.monotonic() < deadline:
            time.sleep(0.1)
        os.kill(follower.pid, signal.SIGKILL)
    submitted = list(json.loads(jobs.read_text(encoding="utf-8")).values())
    again = subprocess.run(command, capture_output=True, text=True, check=True)
    assert f"follows the SLURM jobs {', '.join(submitted)}" in again.stderr
    assert (tmp_path / "left" / "corpus" / "id" / "manifest.json").is_file()
