"""Write a system's translations as the files that COMET and MetricX read."""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from ...data.errors import ExitCode, UserError
from ...data.manifest import write_text
from ...data.suite import load_suite
from ...evaluation.item import Item
from ...evaluation.items import read_items
from ...evaluation.reply import Reply, read_replies


def main(argv: Sequence[str] | None = None) -> int:
    """Write the texts of one generations file side by side, and say how to score them."""
    parser = argparse.ArgumentParser(
        prog="lokal translations",
        description=f"{__doc__} Both metrics want a GPU and an environment of their own.",
    )
    parser.add_argument(
        "replies", type=Path, help="runs/NAME/generations/SYSTEM/SUITE-LANGUAGE.jsonl"
    )
    parser.add_argument("folder", type=Path, help="folder to write to")
    parser.add_argument("--items-root", type=Path, help="folder with the benchmarks' items")
    words = parser.parse_args(argv)
    try:
        num_segments = write_texts(words.replies, words.folder, items_root=words.items_root)
    except UserError as error:
        print(f"lokal translations: {error}", file=sys.stderr)
        return ExitCode.USER_MISTAKE
    print(f"{num_segments} segments in {words.folder}: sources.txt, replies.txt, references.txt")
    print("COMET:   comet-score -s sources.txt -t replies.txt -r references.txt")
    print("MetricX: its predict module takes metricx.jsonl as --input_file")
    return ExitCode.DONE


def write_texts(replies: Path, folder: Path, *, items_root: Path | None) -> int:
    """Write one line a segment into each file and return their number.

    A line break inside a text becomes a space; an empty reply stays an empty line.

    Raises:
        UserError: these are no replies to a translation suite, or its items are not there.
    """
    rows = [reply for reply in read_replies(replies) if reply.sample == 0]
    if not rows:
        raise UserError(f"{replies} holds no replies: run evaluate for it again")
    items = _items(rows[0], replies, items_root=items_root)
    segments = [_segment(items[row.id], row) for row in rows if row.id in items]
    if len(segments) < len(rows):
        raise UserError(f"{replies} replies to other items than those of suite {rows[0].suite}")
    folder.mkdir(parents=True, exist_ok=True)
    for name, texts in zip(
        ("sources", "replies", "references"), zip(*segments, strict=True), strict=True
    ):
        write_text(folder / f"{name}.txt", "".join(f"{text}\n" for text in texts))
    fields = ("source", "hypothesis", "reference")
    lines = [
        json.dumps(dict(zip(fields, one, strict=True)), ensure_ascii=False) for one in segments
    ]
    write_text(folder / "metricx.jsonl", "".join(f"{line}\n" for line in lines))
    return len(segments)


def _items(reply: Reply, path: Path, *, items_root: Path | None) -> dict[str, Item]:
    suite = load_suite(reply.suite)
    if suite.format != "translation":
        raise UserError(f"{path} replies to suite {suite.name}, which is no translation")
    found = read_items(suite, split=reply.split, language=reply.language, items_root=items_root)
    return {item.id: item for item in found}


def _segment(item: Item, reply: Reply) -> tuple[str, str, str]:
    return _line(item.messages[-1]["content"]), _line(reply.reply), _line(item.gold[0])


def _line(text: str) -> str:
    return " ".join(text.split())


if __name__ == "__main__":
    sys.exit(main())
