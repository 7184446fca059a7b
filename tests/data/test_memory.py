"""Memory of ``lokal prepare`` as the corpus grows; benchmarks/prepare_memory.py does it at size."""

import gzip
import json
import random
import subprocess
import sys
from pathlib import Path

import pytest
from lokal.data.sample_files import resolve_sample

SMALL_MB, LARGE_MB = 1, 7
PEAK = """
import sys
from lokal.recipes.prepare import prepare
assert prepare.main(sys.argv[1:]) == 0
status = open("/proc/self/status").read()
print(int(status.partition("VmHWM:")[2].split()[0]) * 1024)
"""


def noisy_corpus(file: Path, *, megabytes: int) -> None:
    """Write real sentences, four a row, with each fourth word replaced by another real one."""
    with gzip.open(resolve_sample("sample:ud_indonesian_gsd/id.jsonl.gz")) as stream:
        words = [word for line in stream for word in json.loads(line)["text"].split()]
    generator = random.Random(0)
    written = number = 0
    with file.open("w", encoding="utf-8") as out:
        while written < megabytes * 1e6:
            at = generator.randrange(len(words) - 80)
            row = words[at : at + 80]
            row[::4] = generator.choices(words, k=20)
            written += out.write(json.dumps({"id": f"n/{number}", "text": " ".join(row)}) + "\n")
            number += 1


def peak_bytes(folder: Path, *, megabytes: int) -> int:
    """Return the peak memory of a process that prepares so much text in parts of 1 MB."""
    noisy_corpus(folder / f"{megabytes}.jsonl", megabytes=megabytes)
    words = ["region=id", "corpus=local", "corpus.sources.mine.licence=MIT", "engine.workers=1"]
    words += [f"corpus.sources.mine.path={folder}/{megabytes}.jsonl", "corpus.part_bytes=1000000"]
    command = [sys.executable, "-c", PEAK, *words, f"root={folder}", f"name={megabytes}"]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    funnel = json.loads((folder / str(megabytes) / "corpus/id/funnel.json").read_text("utf-8"))
    assert funnel["train_rows"] > 0.9 * funnel["rows_read"]
    return int(result.stdout)


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs Linux' account of memory")
def test_memory_does_not_grow_with_the_corpus(tmp_path: Path) -> None:
    small = peak_bytes(tmp_path, megabytes=SMALL_MB)
    large = peak_bytes(tmp_path, megabytes=LARGE_MB)
    # 6 MB more of text: what held its rows would need some 20 MB; 16 bytes a row are 0.2 MB.
    assert large - small < 8e6, f"{small / 1e6:.0f} MB, then {large / 1e6:.0f} MB"
