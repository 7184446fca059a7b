"""How fast the steps of ``lokal prepare`` are beside datatrove's stock blocks, on the same text.

Run: ``pip install -e '.[benchmarks]'``, then ``python benchmarks/prepare.py``: one process, the
shipped samples, about a minute. ``--data FOLDER`` takes ``<region>.jsonl[.gz]`` files of yours.

Each round drives all texts through lokal's steps, then through the stock blocks; the best round of
each side counts. No row leaves the stock chain: every block sees every row, as its filters would
drop nearly all of them (English stop words, short texts) and look fast. Words that a stock block
has split are reused by the next one (datatrove caches them), so the first pays for all. Stock
blocks write nothing to disk; lokal counts lines and signs rows on disk. Seconds are of processor
time, so that other work on the machine does not count.
"""

import argparse
import gzip
import json
import logging
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple, TypeAlias

from datatrove.data import Document
from datatrove.pipeline.base import PipelineStep
from datatrove.pipeline.dedup import MinhashDedupSignature
from datatrove.pipeline.dedup.sentence_dedup import SentDedupConfig, SentenceDedupSignature
from datatrove.pipeline.filters import (
    C4QualityFilter,
    FineWebQualityFilter,
    GopherQualityFilter,
    GopherRepetitionFilter,
)
from datatrove.pipeline.formatters import FTFYFormatter, PIIFormatter
from lokal.data.decontamination.deny_list import build_deny_list
from lokal.data.decontamination.held_items import read_all_held_items
from lokal.data.document import is_dropped, new_document
from lokal.data.plan import plan_corpus
from lokal.data.region import Region, load_region
from lokal.data.sample_files import resolve_sample
from lokal.data.stages import DENY_LIST, gate_steps
from lokal.data.steps.count_lines import CountLines
from lokal.data.steps.markup import Markup
from lokal.data.steps.merge_lines import MergeLines
from lokal.data.steps.normalise import Normalise
from lokal.data.steps.sign_rows import SignRows
from lokal.recipes.prepare import prepare
from xxhash import xxh64_intdigest

REGIONS = ("id", "hi", "tl")
Seconds: TypeAlias = "dict[str, float]"
"""By step, in the order of the chain."""


class Text(NamedTuple):
    """One row of a corpus."""

    source: str
    text: str


class Block(NamedTuple):
    """A stock block, as a function of one document."""

    name: str
    apply: Callable[[Document], object]


def main() -> None:
    """Print one table a region: MB/s of each step and of both chains, and the slowest steps."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=resolve_sample("sample:."))
    parser.add_argument("--megabytes", type=float, default=2, help="text taken of each region")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("regions", nargs="*", default=REGIONS)
    options = parser.parse_args()
    logging.disable(logging.INFO)
    for code in options.regions:
        texts = read_texts(options.data, code, size_bytes=round(options.megabytes * 1e6))
        compare(load_region(code), texts, rounds=options.rounds)


def read_texts(folder: Path, code: str, *, size_bytes: int) -> list[Text]:
    """Return the texts of the region's files, thinned evenly to about so many bytes."""
    texts: list[Text] = []
    for file in sorted([*folder.rglob(f"{code}.jsonl"), *folder.rglob(f"{code}.jsonl.gz")]):
        if "recorded" in file.parts:
            continue
        data = file.read_bytes()
        lines = (gzip.decompress(data) if file.suffix == ".gz" else data).splitlines()
        rows = (json.loads(line).get("text") for line in lines)
        texts += [Text(file.parent.name, text) for text in rows if text]
    if not texts:
        raise SystemExit(f"{folder} has no {code}.jsonl or {code}.jsonl.gz with texts")
    step = max(1, round(num_bytes(texts) / size_bytes))
    return texts[::step]


def lokal_steps(region: Region, folder: Path) -> list[PipelineStep]:
    """Return the steps that ``lokal prepare`` drives each row through, without reading it."""
    plan = plan_corpus(prepare.compose([f"region={region.code}"]))
    build_deny_list(read_all_held_items(plan.config.decontaminate), folder / DENY_LIST)
    return [
        Normalise(),
        Markup(plan.config.markup),
        CountLines(folder / "lines"),
        MergeLines(folder / "lines", plan.config.boilerplate),
        *gate_steps(plan, folder),
        SignRows(folder / "dedup", plan.config.dedup),
    ]


def stock_blocks(region: Region, folder: Path) -> list[Block]:
    """Return datatrove's blocks with their own defaults, told the language."""
    language = region.fineweb2
    sign = MinhashDedupSignature(str(folder / "minhash"), language=language)
    sentences = SentenceDedupSignature(
        str(folder / "sentences"), config=SentDedupConfig(), language=language
    )
    # datatrove gives xxhash a str, which it takes before version 4 only, and encodes itself.
    sign._hash_func = sentences.hash_fc = hash_of
    ftfy, pii = FTFYFormatter(), PIIFormatter()
    return [
        Block("FTFYFormatter", lambda row: ftfy.format(row.text)),
        Block("GopherRepetitionFilter", GopherRepetitionFilter(language=language).filter),
        Block("GopherQualityFilter", GopherQualityFilter(language=language).filter),
        Block("FineWebQualityFilter", FineWebQualityFilter(language=language).filter),
        Block("PIIFormatter", lambda row: pii.format(row.text)),
        Block("MinhashDedupSignature", lambda row: signature_of(sign, row.text)),
        Block("SentenceDedupSignature", lambda row: sentences.get_hashes(row, 0)),
        Block("ExactDedupSignature, its hash", lambda row: hash_of(row.text)),
        # Last, as it changes the text.
        Block("C4QualityFilter", C4QualityFilter(language=language).filter),
    ]


def hash_of(text: str) -> int:
    """Return the hash that the stock blocks use by default."""
    return xxh64_intdigest(text.encode())


def signature_of(block: MinhashDedupSignature, text: str) -> list[list[int]] | None:
    """Return the block's signature; None for a text that is too short for one."""
    shingles = block.get_shingles(text)
    return block.get_signature(shingles) if len(shingles) else None


def compare(region: Region, texts: Sequence[Text], *, rounds: int) -> None:
    """Print the table of one region."""
    ours: list[Seconds] = []
    theirs: list[Seconds] = []
    num_kept = 0
    with TemporaryDirectory() as name:
        blocks = stock_blocks(region, Path(name))
        for number in range(rounds):
            steps = lokal_steps(region, Path(name) / str(number))
            seconds, num_kept = time_steps(steps, texts)
            ours.append(seconds)
            theirs.append(time_blocks(blocks, texts))
    megabytes = num_bytes(texts) / 1e6
    print(f"\n{region.code}: {len(texts)} rows, {megabytes:.1f} MB; lokal keeps {num_kept}\n")
    print("| chain | step | MB/s |\n|---|---|---:|")
    best = {"lokal": fastest(ours), "stock": fastest(theirs)}
    for chain, seconds in best.items():
        for step, value in seconds.items():
            print(f"| {chain} | {step} | {megabytes / value:.2f} |")
        print(f"| {chain} | **all** | **{megabytes / sum(seconds.values()):.2f}** |")
    ratio = sum(best["stock"].values()) / sum(best["lokal"].values())
    slowest = {chain: max(seconds, key=seconds.__getitem__) for chain, seconds in best.items()}
    print(f"\nlokal is {ratio:.1f} times as fast; slowest: {slowest['lokal']}, {slowest['stock']}")


def fastest(rounds: Sequence[Seconds]) -> Seconds:
    """Return the round that took the least time."""
    return min(rounds, key=lambda seconds: sum(seconds.values()))


def time_steps(steps: Sequence[PipelineStep], texts: Sequence[Text]) -> tuple[Seconds, int]:
    """Return the seconds of each step, and how many rows are kept."""
    seconds: Seconds = {}
    rows = list(documents(texts))
    for step in steps:
        start = time.process_time()
        rows = list(step.run(rows, rank=0))
        seconds[step.name] = time.process_time() - start
    return seconds, sum(not is_dropped(row) for row in rows)


def time_blocks(blocks: Sequence[Block], texts: Sequence[Text]) -> Seconds:
    """Return the seconds of each block; a document goes through all before the next one does."""
    seconds = {block.name: 0.0 for block in blocks}
    for row in documents(texts):
        for block in blocks:
            start = time.process_time()
            # datatrove's splitter of Hindi sentences fails on some rows: "substring not found".
            with suppress(ValueError):
                block.apply(row)
            seconds[block.name] += time.process_time() - start
    return seconds


def documents(texts: Sequence[Text]) -> Iterator[Document]:
    """Yield a new document for each text."""
    for number, (source, text) in enumerate(texts):
        yield new_document(id=str(number), text=text, lang="", source=source, licence="", url="")


def num_bytes(texts: Sequence[Text]) -> int:
    """Return the length of all texts in UTF-8."""
    return sum(len(text.encode()) for _, text in texts)


if __name__ == "__main__":
    main()
