"""How much memory ``lokal prepare`` needs as the corpus grows: a table, and a plot.

Run: ``python benchmarks/prepare_memory.py``: 10 to 300 MB of text, some minutes; Linux only.
``--megabytes 1000`` is the large one. ``--data FOLDER`` takes ``<region>.jsonl[.gz]`` files of
yours, ``--set WORD`` adds a word to the command line of ``lokal prepare``.

The text is real rows, repeated until there is enough, with one word in seven replaced by another
of the same corpus in each repetition, so that rows are no duplicates of each other. One run is one
child process with its workers; memory is what the kernel says of each of them ten times a second.
A text that is smaller than lokal's parts (64 MB) is read in one part for each worker.
"""

import argparse
import gzip
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from math import ceil
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import numpy as np
from lokal.data.sample_files import resolve_sample
from lokal.data.settings import Corpus

MEGABYTES = (10, 30, 100, 300)
REPLACED_SHARE = 1 / 7
SECONDS_BETWEEN_SAMPLES = 0.1
START = "start"
"""What runs before the first stage: planning, and the deny list. The report counts as ``write``."""

LEFT, TOP, WIDTH, HEIGHT = 60, 30, 520, 260
LINES = {
    "tree": ("all processes", "#8a4b08"),
    "process": ("the largest one", "#0b5394"),
    "anonymous": ("its own memory", "#38761d"),
}
"""Which peaks are drawn, with name and colour."""


class Peak(NamedTuple):
    """The largest memory seen, in bytes."""

    tree: int
    """Of all processes together; pages that they share count for each."""
    process: int
    """Of the largest single one, mapped files included."""
    anonymous: int
    """Of the largest single one, without mapped files, which the kernel can take back."""


class Run(NamedTuple):
    """What was measured of one size."""

    megabytes: float
    rows: int
    seconds: float
    peaks: dict[str, Peak]
    """By stage, in their order."""

    @property
    def peak(self) -> Peak:
        """The largest of all stages."""
        return Peak(*(max(values) for values in zip(*self.peaks.values(), strict=True)))


def main() -> None:
    """Print a line for each size, then the stages, and write the plot."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--megabytes", type=float, nargs="*", default=MEGABYTES)
    parser.add_argument("--region", default="id")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--data", type=Path, default=resolve_sample("sample:."))
    parser.add_argument("--work", type=Path, help="folder with room for 4 times the text")
    parser.add_argument("--plot", type=Path, help="write an SVG file")
    parser.add_argument("--results", type=Path, help="JSONL that runs are added to and drawn from")
    parser.add_argument("--set", action="append", default=[], help="a word for lokal prepare")
    options = parser.parse_args()
    words = [f"region={options.region}", *options.set]
    texts = read_texts(options.data, options.region)
    runs = read_runs(options.results)
    print("| MB of text | rows | seconds | MB/s | all processes, MB | largest, MB | its own, MB |")
    print("|---:|---:|---:|---:|---:|---:|---:|")
    for run in runs:
        print_run(run)
    for megabytes in options.megabytes:
        with TemporaryDirectory(dir=options.work) as folder:
            run = measure(
                texts, megabytes, folder=Path(folder), workers=options.workers, words=words
            )
        print_run(run)
        runs.append(run)
        if options.results:
            with options.results.open("a", encoding="utf-8") as stream:
                stream.write(json.dumps(run._asdict()) + "\n")
    print_stages(runs)
    if options.plot:
        options.plot.write_text(draw(runs), encoding="utf-8")


def read_texts(folder: Path, code: str) -> list[str]:
    """Return the texts of the region's files that may be trained on."""
    texts: list[str] = []
    names = (f"{code}.jsonl", f"{code}.jsonl.gz", f"{code}_train.jsonl")
    for file in sorted(file for name in names for file in folder.rglob(name)):
        if "recorded" in file.parts:
            continue
        data = file.read_bytes()
        lines = (gzip.decompress(data) if file.suffix == ".gz" else data).splitlines()
        texts += [text for line in lines if (text := json.loads(line).get("text"))]
    if not texts:
        raise SystemExit(f"{folder} has no {' or '.join(names)} with texts")
    return texts


def noisy_rows(texts: Sequence[str], *, size_bytes: int, seed: int = 0) -> Iterator[str]:
    """Yield the texts again and again, each time with other words replaced, to about this size."""
    rows = [text.split(" ") for text in texts]
    vocabulary = sorted({word for row in rows for word in row if word.isalpha()})
    generator = np.random.default_rng(seed)
    written = 0
    while True:
        for row in rows:
            words = list(row)
            number = max(1, round(len(words) * REPLACED_SHARE))
            places = generator.integers(len(words), size=number).tolist()
            others = generator.integers(len(vocabulary), size=number).tolist()
            for place, other in zip(places, others, strict=True):
                words[place] = vocabulary[other]
            text = " ".join(words)
            yield text
            written += len(text.encode())
            if written >= size_bytes:
                return


def measure(
    texts: Sequence[str], megabytes: float, *, folder: Path, workers: int, words: Sequence[str]
) -> Run:
    """Return one run of ``lokal prepare`` over so much text; what it writes is removed."""
    file = folder / "noisy.jsonl"
    num_rows = 0
    with file.open("w", encoding="utf-8") as stream:
        for text in noisy_rows(texts, size_bytes=round(megabytes * 1e6)):
            line = json.dumps({"id": f"noisy/{num_rows}", "text": text}, ensure_ascii=False)
            stream.write(line + "\n")
            num_rows += 1
    command = [sys.executable, "-m", "lokal.recipes.main", "prepare", "corpus=local"]
    command += [f"corpus.sources.mine.path={file}", "corpus.sources.mine.licence=any"]
    command += [f"corpus.part_bytes={part_bytes(file.stat().st_size, workers)}"]
    command += [f"root={folder}", "name=run", f"engine.workers={workers}", *words]
    begin = time.monotonic()
    with (folder / "stderr").open("w") as errors:
        process = subprocess.Popen(command, stderr=errors)
        peaks = watch(process, corpus=folder / "run" / "corpus")
    seconds = time.monotonic() - begin
    if process.returncode:
        raise SystemExit((folder / "stderr").read_text())
    return Run(megabytes, num_rows, seconds, peaks)


def part_bytes(size_bytes: int, workers: int) -> int:
    """Return lokal's own size of a part, or less where the workers would not all have one."""
    return min(Corpus(name="", sources={}).part_bytes, ceil(size_bytes / workers))


def watch(process: "subprocess.Popen[bytes]", *, corpus: Path) -> dict[str, Peak]:
    """Return the peaks of the process and its children by stage, when it has ended."""
    peaks: dict[str, Peak] = {}
    stage = START
    while process.poll() is None:
        stage = stage_of(corpus) or stage
        seen = [memory_of(pid) for pid in tree_of(process.pid)]
        now = Peak(
            sum(total for total, _ in seen),
            max((total for total, _ in seen), default=0),
            max((anonymous for _, anonymous in seen), default=0),
        )
        before = peaks.get(stage, Peak(0, 0, 0))
        peaks[stage] = Peak(*map(max, before, now))
        time.sleep(SECONDS_BETWEEN_SAMPLES)
    return peaks


def stage_of(corpus: Path) -> str | None:
    """Return the stage that has begun last; None before the first and after the last one."""
    folders = list(corpus.glob(".*.tmp/logs/*"))
    try:
        return max(folders, key=lambda folder: folder.stat().st_ctime_ns).name
    except (ValueError, FileNotFoundError):  # none yet, or moved away just now
        return None


def tree_of(pid: int) -> list[int]:
    """Return the process and all that it has started; empty when it has ended."""
    try:
        children = [
            int(child)
            for thread in os.listdir(f"/proc/{pid}/task")
            for child in Path(f"/proc/{pid}/task/{thread}/children").read_text().split()
        ]
    except (FileNotFoundError, ProcessLookupError):
        return []
    return [pid, *(each for child in children for each in tree_of(child))]


def memory_of(pid: int) -> tuple[int, int]:
    """Return the resident bytes of a process, and those of them that are no mapped file's."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return 0, 0
    values = dict(line.split(":", 1) for line in status.splitlines())
    total, anonymous = (values.get(name, "0").split()[0] for name in ("VmRSS", "RssAnon"))
    return int(total) * 1024, int(anonymous) * 1024


def read_runs(file: Path | None) -> list[Run]:
    """Return the runs that were measured before."""
    if file is None or not file.is_file():
        return []
    rows = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    return [
        Run(**{**row, "peaks": {name: Peak(*peak) for name, peak in row["peaks"].items()}})
        for row in rows
    ]


def print_run(run: Run) -> None:
    """Print one line of the table."""
    tree, process, anonymous = (size / 1e6 for size in run.peak)
    print(
        f"| {run.megabytes:g} | {run.rows} | {run.seconds:.0f} | {run.megabytes / run.seconds:.2f} "
        f"| {tree:.0f} | {process:.0f} | {anonymous:.0f} |",
        flush=True,
    )


def print_stages(runs: Sequence[Run]) -> None:
    """Print the largest process of each stage, without mapped files and with them."""
    stages = list(dict.fromkeys(stage for run in runs for stage in run.peaks))
    print("\nThe largest process by stage, MB: its own memory (with mapped files)\n")
    print(f"| MB of text | {' | '.join(stages)} |")
    print(f"|---:|{'---:|' * len(stages)}")
    for run in runs:
        cells = [
            f"{peak.anonymous / 1e6:.0f} ({peak.process / 1e6:.0f})"
            if (peak := run.peaks.get(stage))
            else "too short"
            for stage in stages
        ]
        print(f"| {run.megabytes:g} | {' | '.join(cells)} |")


def draw(runs: Sequence[Run]) -> str:
    """Return the plot as SVG: megabytes of text against memory, the text on a log scale."""
    runs = sorted(runs, key=lambda run: run.megabytes)
    sizes = np.log10([run.megabytes for run in runs])
    xs = LEFT + 25 + (WIDTH - 50) * (sizes - sizes[0]) / max(sizes[-1] - sizes[0], 1e-9)
    ceiling = 200 * np.ceil(max(run.peak.tree for run in runs) / 190e6)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {LEFT + WIDTH + 110} '
        f'{TOP + HEIGHT + 50}" font-family="sans-serif" font-size="12">',
        "<title>Peak memory of lokal prepare</title>",
        '<rect width="100%" height="100%" fill="#fff"/>',
        f'<text x="{LEFT}" y="16">peak memory, MB</text>',
        _text(LEFT + WIDTH / 2, TOP + HEIGHT + 40, "MB of text (log scale)", anchor="middle"),
    ]
    for mark in np.arange(0, ceiling + 1, 200):
        y = _height_of(mark, ceiling)
        parts.append(f'<path d="M{LEFT} {y:.1f}h{WIDTH}" stroke="#ddd"/>')
        parts.append(_text(LEFT - 8, y + 4, f"{mark:.0f}", anchor="end"))
    for x, run in zip(xs, runs, strict=True):
        parts.append(_text(x, TOP + HEIGHT + 18, f"{run.megabytes:g}", anchor="middle"))
    for field, (name, colour) in LINES.items():
        values = [getattr(run.peak, field) / 1e6 for run in runs]
        ys = [_height_of(value, ceiling) for value in values]
        points = " ".join(f"{x:.1f},{y:.1f}" for x, y in zip(xs, ys, strict=True))
        parts.append(f'<polyline points="{points}" fill="none" stroke="{colour}"/>')
        for x, y, value in zip(xs, ys, values, strict=True):
            parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>')
            parts.append(_text(x, y - 7, f"{value:.0f}", anchor="middle"))
        parts.append(_text(LEFT + WIDTH + 8, ys[-1] + 4, name, anchor="start"))
    return "\n".join([*parts, "</svg>\n"])


def _height_of(megabytes: float, ceiling: float) -> float:
    return TOP + HEIGHT * (1 - megabytes / ceiling)


def _text(x: float, y: float, words: str, *, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{words}</text>'


if __name__ == "__main__":
    main()
