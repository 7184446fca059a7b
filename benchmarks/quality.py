"""How many rows the quality gate keeps, and why it drops the others, after markup and boilerplate.

Run: ``python benchmarks/quality.py``. Reads the shipped samples, or ``--data FOLDER`` with
``<region>.jsonl[.gz]`` files; takes half a minute. The figures: docs/decisions/quality-filter.md.
"""

import argparse
import gzip
import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from datatrove.data import Document
from lokal.data.cleaning.boilerplate import BoilerplateConfig
from lokal.data.cleaning.markup import MarkupConfig
from lokal.data.document import metadata_of, new_document
from lokal.data.quality.config import QualityConfig
from lokal.data.region import load_region
from lokal.data.sample_files import resolve_sample
from lokal.data.steps.count_lines import CountLines
from lokal.data.steps.drop_boilerplate import DropBoilerplate
from lokal.data.steps.markup import Markup
from lokal.data.steps.merge_lines import MergeLines
from lokal.data.steps.normalise import Normalise
from lokal.data.steps.quality_gate import QualityGate


def main() -> None:
    """Print one row for each file; with ``--show``, also the dropped texts."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=resolve_sample("sample:."))
    parser.add_argument("--show", action="store_true", help="print what is dropped")
    options = parser.parse_args()
    print("| region | source | rows | kept | dropped by the gate |\n|---|---|---:|---:|---|")
    for code in ("id", "hi", "tl"):
        for file in sorted([*options.data.rglob(f"{code}.jsonl*")]):
            if "recorded" in file.parts:
                continue
            rows = judged(file, code)
            reasons = Counter(
                metadata["reason"]
                for metadata in map(metadata_of, rows)
                if metadata["step"] == QualityGate.step
            )
            kept = len(rows) - reasons.total()
            listed = ", ".join(f"{number} {reason}" for reason, number in reasons.most_common())
            print(f"| {code} | {file.parent.name} | {len(rows)} | {kept} | {listed} |")
            for row in rows if options.show else []:
                if metadata_of(row)["step"] == QualityGate.step:
                    print(
                        "DROP",
                        row.id,
                        metadata_of(row)["reason"],
                        metadata_of(row)["detail"],
                        repr(row.text),
                    )


def judged(file: Path, code: str) -> list[Document]:
    """Return the file's rows behind the quality gate."""
    with TemporaryDirectory() as name:
        lines = Path(name)
        rows = list(_documents(file))
        for step in (
            Normalise(),
            Markup(MarkupConfig()),
            CountLines(lines),
            MergeLines(lines, BoilerplateConfig()),
            DropBoilerplate(lines),
            QualityGate(load_region(code), QualityConfig()),
        ):
            rows = list(step.run(rows))
        return rows


def _documents(file: Path) -> Iterator[Document]:
    data = file.read_bytes()
    for line in (gzip.decompress(data) if file.suffix == ".gz" else data).splitlines():
        row = json.loads(line)
        yield new_document(id=row["id"], text=row["text"], lang="", source="s", licence="", url="")


if __name__ == "__main__":
    main()
