"""``lokal prepare`` in two processes, killed at any moment: nothing lives on, no byte differs."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from lokal.data.manifest import require_whole, sha256_of_file

NUM_KILLS = 20
MARK = "LOKAL_TEST_OF_KILLS"
"""Environment variable that all processes of a run inherit."""

pytestmark = pytest.mark.skipif(
    not Path("/proc/self/environ").exists(), reason="needs Linux' /proc"
)


def start(root: Path, name: str, *words: str) -> "subprocess.Popen[bytes]":
    words = ("region=id", f"root={root}", f"name={name}", "engine.workers=2", *words)
    with (root / f"{name}.stderr").open("wb") as errors:
        return subprocess.Popen(
            [sys.executable, "-m", "lokal.recipes.main", "prepare", *words],
            env={**os.environ, MARK: str(root)},
            stderr=errors,
            start_new_session=True,
        )


def processes_of(root: Path) -> list[str]:
    """Return the ids of all living processes that any run below the folder has started."""
    mark = f"{MARK}={root}".encode()
    found: list[str] = []
    for path in Path("/proc").glob("[0-9]*/environ"):
        try:
            if mark in path.read_bytes().split(b"\0"):
                found.append(path.parent.name)
        except OSError:
            continue
    return found


def hashes(folder: Path) -> dict[str, str]:
    require_whole(folder)
    files = (file for file in folder.rglob("*") if file.is_file() and file.name != "manifest.json")
    return {file.name: sha256_of_file(file) for file in files}


def wait_until_gone(root: Path, *, seconds: float = 5) -> None:
    end = time.monotonic() + seconds
    while (left := processes_of(root)) and time.monotonic() < end:
        time.sleep(0.05)
    for pid in left:
        os.kill(int(pid), signal.SIGKILL)
    assert not left, f"processes {left} outlived the run"


def finish(root: Path, name: str) -> dict[str, str]:
    assert start(root, name).wait() == 0, (root / f"{name}.stderr").read_text()
    wait_until_gone(root)
    return hashes(root / name / "corpus" / "id")


def test_workers_end_in_the_middle_of_a_task_when_their_parent_is_killed(tmp_path: Path) -> None:
    row = "Pasar pagi di tepi sungai itu ramai sejak pukul lima, kata pedagang ikan. "
    with (tmp_path / "long.jsonl").open("w", encoding="utf-8") as stream:
        for number in range(25_000):  # 40 MB, so that a task takes far longer than to die
            stream.write(json.dumps({"text": f"{number} {row * 20}"}) + "\n")
    words = [f"corpus.sources.mine.path={tmp_path}/long.jsonl", "corpus.sources.mine.licence=MIT"]
    process = start(tmp_path, "long", "corpus=local", "corpus.part_bytes=20000000", *words)
    tasks = tmp_path / "long" / "corpus" / ".id.tmp" / "read"
    while len(list(tasks.glob("*.parquet"))) < 2:
        assert process.poll() is None, (tmp_path / "long.stderr").read_text()
        time.sleep(0.05)
    assert len(processes_of(tmp_path)) > 2
    process.kill()  # it alone, as when memory runs out
    process.wait()
    wait_until_gone(tmp_path, seconds=2)


@pytest.mark.proof
def test_killed_at_twenty_random_moments_the_corpus_has_the_bytes_of_the_unbroken_run(
    tmp_path: Path,
) -> None:
    begin = time.monotonic()
    unbroken = finish(tmp_path, "unbroken")
    seconds = time.monotonic() - begin
    moments = random.Random(0)
    kills = num_corpora = 0
    stages_begun: set[int] = set()
    while kills < NUM_KILLS:
        name = f"killed-{num_corpora}"
        process = start(tmp_path, name)
        try:
            assert process.wait(moments.uniform(0, 0.75 * seconds)) == 0
        except subprocess.TimeoutExpired:
            corpus = tmp_path / name / "corpus"
            stages_begun.add(len(list(corpus.glob(".*/logs/*"))))
            if kills % 2:
                os.killpg(process.pid, signal.SIGKILL)
            else:  # the parent alone, as when memory runs out: its workers must follow it
                process.kill()
            process.wait()
            kills += 1
            wait_until_gone(tmp_path)
            assert not (corpus / "id").exists() or hashes(corpus / "id") == unbroken
        else:  # so often killed and continued that it is done: begin another one
            wait_until_gone(tmp_path)
            assert hashes(tmp_path / name / "corpus" / "id") == unbroken
            num_corpora += 1
    assert finish(tmp_path, f"killed-{num_corpora}") == unbroken
    assert list((tmp_path / f"killed-{num_corpora}" / "corpus").iterdir()) == [
        tmp_path / f"killed-{num_corpora}" / "corpus" / "id"
    ]
    assert len(stages_begun) > 3, f"kills met few stages: {sorted(stages_begun)}"
