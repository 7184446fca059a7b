"""How many planted near-duplicates are found, how well similarity is estimated, and how fast.

Run: ``python benchmarks/dedup.py``. Reads the shipped samples only; takes about half a minute.
``python benchmarks/dedup.py memory`` shows the memory that a million rows need; ``... speed
FILE.jsonl.gz`` signs the texts of a file of yours. The figures stand in docs/decisions/dedup.md.
"""

import gzip
import json
import random
import sys
import time
import tracemalloc
from collections.abc import Callable, Iterator
from math import sqrt
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import numpy as np
from lokal.data.dedup.config import DedupConfig
from lokal.data.dedup.row_store import PartWriter
from lokal.data.dedup.signature import Signed, duplicate_key, sign
from lokal.data.document import is_dropped, new_document
from lokal.data.sample_files import resolve_sample
from lokal.data.steps.find_clusters import FindClusters
from lokal.data.steps.find_pairs import FindPairs
from lokal.data.steps.sign_rows import SignRows
from lokal.data.steps.split_clusters import SplitClusters
from numpy.typing import NDArray

SENTENCES = {
    "id": "sample:ud_indonesian_gsd/id.jsonl.gz",
    "hi": "sample:sib200/hi_train.jsonl",
    "tl": "sample:ud_tagalog_newscrawl/tl.jsonl.gz",
}
NUM_PLANTED = 500
"""Rows for each language and target."""
TARGETS = (0.9, 0.8, 0.5)
TOLERANCE = 0.01
WORDS = (60, 600)
GRAM = 5
MEMORY_ROWS = (250_000, 1_000_000)


class Planted(NamedTuple):
    """A real document and a copy of it with other words in places."""

    original: str
    copy: str
    similarity: float
    """Exact Jaccard similarity of their word 5-grams."""


def main() -> None:
    """Print one row for each language and target, or what the argument asks for."""
    if sys.argv[1:2] == ["memory"]:
        show_memory()
    elif sys.argv[1:2] == ["speed"]:
        show_speed([Path(name) for name in sys.argv[2:]])
    else:
        show_found()


def show_found() -> None:
    """Print the shares of planted copies that are dropped, with 95 % Wilson intervals."""
    config = DedupConfig()
    curve = ", ".join(f"{j}: {config.chance_to_compare(j):.4f}" for j in (0.9, 0.8, 0.7, 0.5, 0.3))
    print(f"chance that two rows share a band, by Jaccard similarity: {curve}\n")
    print("| language | Jaccard | planted | dropped | share | 95 % | estimate: bias, sd |")
    print("|---|---:|---:|---:|---:|---|---|")
    for target in TARGETS:
        planted: list[Planted] = []
        for language, file in SENTENCES.items():
            words = sentence_words(file)
            of_language = list(plant(words, target=target, number=NUM_PLANTED, seed=0))
            _show_row(language, target, of_language, config=config)
            planted += of_language
        _show_row("all", target, planted, config=config)


def _show_row(language: str, target: float, planted: list[Planted], *, config: DedupConfig) -> None:
    dropped, number = count_dropped(planted, config=config), len(planted)
    low, high = wilson(dropped, number)
    errors = estimate_errors(planted, config=config)
    print(
        f"| {language} | {target} | {number} | {dropped} | {dropped / number:.2%} "
        f"| {low:.2%} to {high:.2%} | {errors.mean():+.4f}, {errors.std():.4f} |"
    )


def sentence_words(file: str) -> list[list[str]]:
    """Return the words of each sentence of a sample."""
    data = resolve_sample(file).read_bytes()
    lines = (gzip.decompress(data) if file.endswith(".gz") else data).splitlines()
    return [json.loads(line)["text"].split() for line in lines]


def plant(
    sentences: list[list[str]], *, target: float, number: int, seed: int
) -> Iterator[Planted]:
    """Yield documents of random sentences, each with a copy of the target similarity.

    The copy has words replaced by others of the same language, one after the other, at random
    places, until the exact similarity is the target; a copy that jumps over it is tried again.
    """
    generator = random.Random(seed)
    vocabulary = sorted({word for words in sentences for word in words if duplicate_key(word)})
    while number:
        size = generator.randint(*WORDS)
        words: list[str] = []
        while len(words) < size:
            words += generator.choice(sentences)
        copy, similarity = list(words), 1.0
        for place in generator.sample(range(len(copy)), len(copy)):
            copy[place] = generator.choice(vocabulary)
            similarity = jaccard(" ".join(words), " ".join(copy))
            if similarity < target + TOLERANCE:
                break
        if abs(similarity - target) <= TOLERANCE:
            number -= 1
            yield Planted(" ".join(words), " ".join(copy), similarity)


def jaccard(one: str, other: str) -> float:
    """Return the exact Jaccard similarity of the texts' word 5-grams."""
    grams = [_grams(duplicate_key(text).split()) for text in (one, other)]
    return len(grams[0] & grams[1]) / len(grams[0] | grams[1])


def _grams(words: list[str]) -> set[tuple[str, ...]]:
    return {tuple(words[start : start + GRAM]) for start in range(len(words) - GRAM + 1)}


def count_dropped(planted: list[Planted], *, config: DedupConfig) -> int:
    """Run the steps over all originals, then all copies, as two parts."""
    parts = [
        [
            new_document(id=f"{name}{row}", text=text, lang="", source="", licence="", url="")
            for row, text in enumerate(texts)
        ]
        for name, texts in (
            ("original/", [pair.original for pair in planted]),
            ("copy/", [pair.copy for pair in planted]),
        )
    ]
    with TemporaryDirectory() as name:
        folder = Path(name)
        for rank, rows in enumerate(parts):
            list(SignRows(folder, config).stream(rows, rank=rank))
        for band in range(config.num_bands):
            list(FindPairs(folder, config, num_parts=2).stream([], rank=band))
        list(FindClusters(folder, config, num_parts=2).stream([], rank=0))
        split = SplitClusters(folder, heldout_share=0.02, seed=0)
        return sum(map(is_dropped, split.stream(parts[1], rank=1)))


def estimate_errors(planted: list[Planted], *, config: DedupConfig) -> NDArray[np.float64]:
    """Return estimated less exact similarity of each pair."""
    originals, copies = (
        sign([duplicate_key(text) for text in texts], config=config).signatures_RP
        for texts in zip(*((pair.original, pair.copy) for pair in planted), strict=True)
    )
    return (originals == copies).mean(axis=1) - np.array([pair.similarity for pair in planted])


def wilson(hits: int, number: int) -> tuple[float, float]:
    """Return the 95 % Wilson interval of a share."""
    z, share = 1.959964, hits / number
    middle = share + z * z / (2 * number)
    half = z * sqrt(share * (1 - share) / number + z * z / (4 * number * number))
    scale = 1 + z * z / number
    return max(0.0, (middle - half) / scale), min(1.0, (middle + half) / scale)


def show_memory() -> None:
    """Print the peak memory of each stage over random rows; Linux only.

    One row in ten is a near copy of the row before it, one in fifty an exact copy.
    """
    config = DedupConfig()
    for num_rows in MEMORY_ROWS:
        with TemporaryDirectory() as name:
            folder = Path(name)
            _write_random_rows(folder / "rows", config, num_rows=num_rows)
            pairs = FindPairs(folder, config, num_parts=1)
            clusters = FindClusters(folder, config, num_parts=1)
            print(f"{num_rows} rows:")
            _show_peak("one band", lambda: list(pairs.stream([], rank=0)))  # noqa: B023
            for band in range(1, config.num_bands):
                list(pairs.stream([], rank=band))
            _show_peak("clusters", lambda: list(clusters.stream([], rank=0)))  # noqa: B023


def _show_peak(label: str, run: Callable[[], object]) -> None:
    """Print what is allocated at most, and what is resident: that counts pages of mapped files."""
    before_mb = _resident_mb("VmRSS")
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # the peak begins anew
    tracemalloc.start()
    run()
    allocated_mb = tracemalloc.get_traced_memory()[1] // 2**20
    tracemalloc.stop()
    more_mb = _resident_mb("VmHWM") - before_mb
    print(f"  {label}: {allocated_mb} MB allocated at most, resident {before_mb} + {more_mb} MB")


def _resident_mb(field: str) -> int:
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.partition(f"{field}:")[2].split()[0]) // 1024


def _write_random_rows(folder: Path, config: DedupConfig, *, num_rows: int) -> None:
    generator = np.random.default_rng(0)
    with PartWriter(folder, rank=0, config=config) as writer:
        size = 10_000
        for start in range(0, num_rows, size):
            shape = (size, config.num_permutations)
            signatures = generator.integers(0, 2**16, shape, dtype=np.uint16)
            digests = generator.integers(1, 2**63, (size, 2), dtype=np.uint64)
            near = np.arange(1, size, 10)
            same = generator.random((len(near), shape[1])) < 0.9
            signatures[near] = np.where(same, signatures[near - 1], signatures[near])
            copies = np.arange(49, size, 50)
            signatures[copies], digests[copies] = signatures[copies - 1], digests[copies - 1]
            keys = np.zeros((config.num_bands, size), dtype=np.uint64)
            for band in range(config.num_bands):
                for column in range(band * config.band_rows, (band + 1) * config.band_rows):
                    keys[band] = keys[band] * np.uint64(0x9E3779B97F4A7C15) + signatures[:, column]
            ids = [f"row/{start + row}" for row in range(size)]
            writer.write(Signed(digests, signatures, keys), ids=ids)


def show_speed(files: list[Path]) -> None:
    """Print MB of UTF-8 a second that SignRows signs, in CPU time of one process."""
    for file in files:
        lines = gzip.decompress(file.read_bytes()).splitlines()
        texts = [json.loads(line)["text"] for line in lines]
        rows = [
            new_document(id=str(row), text=text, lang="", source="", licence="", url="")
            for row, text in enumerate(texts)
        ]
        megabytes = sum(len(text.encode()) for text in texts) / 1e6
        with TemporaryDirectory() as name:
            seconds = []
            for _ in range(3):
                start = time.process_time()
                list(SignRows(Path(name), DedupConfig()).stream(rows, rank=0))
                seconds.append(time.process_time() - start)
        label = f"{file.parent.name}/{file.name}"
        print(f"{label}: {len(rows)} rows, {megabytes:.1f} MB, {megabytes / min(seconds):.1f} MB/s")


if __name__ == "__main__":
    main()
