"""How many genuine rows the language gate keeps, and how many rows of neighbour languages it drops.

Run: ``python benchmarks/language_gate.py``. Reads the shipped samples only; takes a few seconds.
The figures stand in docs/decisions/language-gate.md.
"""

import gzip
import json
from collections.abc import Iterator
from pathlib import Path

from lokal.data.document import metadata_of, new_document
from lokal.data.region import load_region
from lokal.data.sample_files import resolve_sample
from lokal.data.steps.language_gate import LanguageGate
from lokal.data.steps.normalise import Normalise

MIN_OWN_SHARE = 0.25
SENTENCES = (1, 3, 5)
GENUINE = {
    "id": {"SIB-200 train": "sib200/id_train.jsonl", "UD GSD": "ud_indonesian_gsd/id.jsonl.gz"},
    "hi": {"SIB-200 train": "sib200/hi_train.jsonl"},
    "tl": {
        "SIB-200 train": "sib200/tl_train.jsonl",
        "UD NewsCrawl": "ud_tagalog_newscrawl/tl.jsonl.gz",
        "Noli Me Tangere": "gutenberg_20228/tl.jsonl.gz",
    },
}
NEIGHBOURS = {
    "id": ["ms", "jv", "su", "min"],
    "hi": ["mr", "ne", "bho", "mai"],
    "tl": ["ceb", "ilo"],
}


def main() -> None:
    """Print one table: rows kept, of rows judged, for 1, 3 and 5 sentences a row."""
    heads = "".join(f" {number} sentences |" for number in SENTENCES)
    print(f"| region | text |{heads}\n|---|---|{'---:|' * len(SENTENCES)}")
    neighbours = list(_rows("langid/neighbours_dev.jsonl.gz"))
    for code, files in GENUINE.items():
        sets = {
            f"{code}: {name}": [row["text"] for row in _rows(file)] for name, file in files.items()
        }
        for other in NEIGHBOURS[code]:
            sets[f"not {code}: {other}"] = [
                row["text"] for row in neighbours if row["lang"] == other
            ]
        for name, texts in sets.items():
            cells = (kept_of(code, texts, sentences=number) for number in SENTENCES)
            print(f"| {code} | {name} | {' | '.join(cells)} |")


def kept_of(code: str, texts: list[str], *, sentences: int) -> str:
    """Return ``kept / judged (share)`` with so many neighbouring sentences joined to a row."""
    gate = LanguageGate(load_region(code), min_own_share=MIN_OWN_SHARE)
    last = len(texts) - sentences + 1
    rows = [" ".join(texts[start : start + sentences]) for start in range(0, last, sentences)]
    kept = sum(_is_kept(gate, row) for row in rows)
    return f"{kept} / {len(rows)} ({kept / len(rows):.1%})"


def _is_kept(gate: LanguageGate, text: str) -> bool:
    document = new_document(id="", text=text, lang="", source="", licence="", url="")
    Normalise().judge(document)
    assert metadata_of(document)["reason"] is None
    return gate.judge(document) is None


def _rows(path: str) -> Iterator[dict[str, str]]:
    file: Path = resolve_sample(f"sample:{path}")
    data = file.read_bytes()
    text = gzip.decompress(data) if file.suffix == ".gz" else data
    yield from (json.loads(line) for line in text.splitlines())


if __name__ == "__main__":
    main()
