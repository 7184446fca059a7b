"""Precision and recall of the script and language gates on labelled sentences, beside detectors.

Run: ``python benchmarks/language_gate.py [--data FOLDER]``. What ships with lokal is read from the
package; the folder adds eval/ and langid/ sets that do not (where each label comes from: SETS).
Needs ``pip install lokal[lid] lingua-language-detector py3langid``; about two minutes.
The figures stand in docs/decisions/language-gate.md.
"""

import argparse
import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import py3langid  # pyright: ignore[reportMissingImports]  not a dependency of ours
import pycld2
from lingua import LanguageDetectorBuilder  # pyright: ignore[reportMissingImports]
from lokal.data.document import metadata_of, new_document
from lokal.data.language.config import LanguageConfig, SecondOpinion
from lokal.data.language.fasttext_model import second_model
from lokal.data.region import load_region
from lokal.data.sample_files import resolve_sample
from lokal.data.steps.language_gate import LanguageGate
from lokal.data.steps.script_gate import ScriptGate

SENTENCES = (1, 3, 5)
MAX_ROWS = 600
LABELS = Path(__file__).parent / "register_labels.json"


class Answer(NamedTuple):
    """Whether a system takes a row for the region's language, and as which register."""

    kept: bool
    register: str = ""


System = Callable[[str], Answer]

SIB = "SIB-200 test: professional translations, the language is the file's"
SETS = {
    "id": ("sample:sib200/id_test.jsonl", "text", SIB),
    "tl": ("sample:sib200/tl_test.jsonl", "text", SIB),
    "hi": ("sample:sib200/hi_test.jsonl", "text", SIB),
    "en": ("sample:sib200/en_test.jsonl", "text", SIB),
    "id colloquial (SmSA)": ("eval/indonlu_smsa/id.jsonl", "text", "published as Indonesian"),
    "id social (NusaX)": ("eval/nusax_senti/id.jsonl", "text", "published as Indonesian"),
    "Taglish (Batayan)": ("eval/batayan_senti/tl.jsonl", "text", "published as Filipino/Taglish"),
    "hi-Latn commands": ("eval/hinglish_top/hi_latn.jsonl.gz", "text_cs", "written as Hinglish"),
    "hi-Latn tweets": ("eval/sentimix_hinglish/hi_latn.jsonl.gz", "text", "collected as Hinglish"),
}
NEIGHBOURS = ("langid/neighbours.jsonl.gz", SIB)
CLASSES = {
    "id": (
        ["id", "id colloquial (SmSA)", "id social (NusaX)"],
        ["ms"],
        ["jv", "su", "min", "en", "tl"],
    ),
    "hi": (["hi", "hi-Latn commands", "hi-Latn tweets"], [], ["mr", "ne", "bho", "mai", "en"]),
    "tl": (["tl", "Taglish (Batayan)"], [], ["ceb", "ilo", "en", "id"]),
}
REGISTERS = [
    ("id", "malay-drift", ["ms", "id", "id colloquial (SmSA)", "min"]),
    ("id", "jakartan", ["id colloquial (SmSA)", "id social (NusaX)", "id", "ms"]),
    ("hi", "hinglish", ["hi-Latn commands", "hi-Latn tweets", "en", "id", "tl"]),
    ("tl", "taglish", ["Taglish (Batayan)", "tl", "en"]),
]
HAND = {
    "taglish": ("tl", "eval/batayan_senti/tl.jsonl", 150),
    "jakartan": ("id", "eval/indonlu_smsa/id.jsonl", 170),
}


def main() -> None:
    """Print one table for each region, one for the registers, one for the hand-made labels."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, help="folder that holds eval/ and langid/")
    folder: Path | None = parser.parse_args().data
    texts = read_sets(folder)
    for code in CLASSES:
        print_region(code, texts)
    print_registers(texts)
    if folder is not None:
        print_hand_labels(folder)


def print_region(code: str, texts: dict[str, list[str]]) -> None:
    """Print the share of rows kept, as ``1/3/5`` sentences a row, and precision and recall."""
    systems = make_systems(code)
    own, same, others = CLASSES[code]
    print(f"\n**{code}**: % of rows taken for {code}, with 1 / 3 / 5 sentences a row\n")
    print(f"| text | {' | '.join(systems)} |\n|---|{'---:|' * len(systems)}")
    kept: dict[tuple[str, str, int], int] = {}
    for name in [*own, *same, *others]:
        if name not in texts:
            continue
        cells = []
        for system, ask in systems.items():
            shares = []
            for number in SENTENCES:
                rows = join(texts[name], number)
                kept[name, system, number] = sum(ask(row).kept for row in rows)
                shares.append(f"{100 * kept[name, system, number] / len(rows):.0f}")
            cells.append(" / ".join(shares))
        kind = "own" if name in own else "same class" if name in same else "other"
        print(f"| {kind}: {name} | {' | '.join(cells)} |")
    lines = {"recall": [], "precision": []}
    for system in systems:
        right = [kept[code, system, number] for number in SENTENCES]
        wrong = [
            sum(kept[name, system, number] for name in others if name in texts)
            for number in SENTENCES
        ]
        rows = [len(join(texts[code], number)) for number in SENTENCES]
        lines["recall"].append([a / b for a, b in zip(right, rows, strict=True)])
        lines["precision"].append([a / max(1, a + b) for a, b in zip(right, wrong, strict=True)])
    for name, values in lines.items():
        cells = [" / ".join(f"{value:.3f}" for value in row) for row in values]
        print(f"| **{name}**, SIB-200 {code} against the others | {' | '.join(cells)} |")


def print_registers(texts: dict[str, list[str]]) -> None:
    """Print how many rows carry a register's label."""
    print("\n| label | text | % labelled, 1 / 3 / 5 sentences a row |\n|---|---|---:|")
    for code, register, names in REGISTERS:
        ask = gate_of(code, LanguageConfig())
        for name in names:
            if name in texts:
                shares = []
                for number in SENTENCES:
                    rows = join(texts[name], number)
                    found = sum(ask(row).register == register for row in rows)
                    shares.append(f"{100 * found / len(rows):.0f}")
                print(f"| {register} | {name} | {' / '.join(shares)} |")


def print_hand_labels(folder: Path) -> None:
    """Print precision and recall of a label against rows labelled by reading them."""
    print("\n| label | rows | carry it | precision | recall |\n|---|---:|---:|---:|---:|")
    labels = json.loads(LABELS.read_text(encoding="utf-8"))
    for register, (code, file, num_chars) in HAND.items():
        ask = gate_of(code, LanguageConfig())
        texts = {row["id"]: row["text"][:num_chars] for row in read_rows(folder / file)}
        truth = {key: False for key in labels[register]["plain"]}
        truth |= {key: True for key in labels[register][register]}
        found = {key: ask(texts[key]).register == register for key in truth}
        both = sum(found[key] and truth[key] for key in truth)
        precision, recall = both / max(1, sum(found.values())), both / sum(truth.values())
        num_true = sum(truth.values())
        print(f"| {register} | {len(truth)} | {num_true} | {precision:.2f} | {recall:.2f} |")


def make_systems(code: str) -> dict[str, System]:
    """Return the gates and the detectors alone, each as a function from a row to its answer."""
    region = load_region(code)
    lingua = LanguageDetectorBuilder.from_all_languages().build()

    def by_cld2(text: str) -> Answer:
        return Answer(pycld2.detect(text.encode())[2][0][1] == region.cld2)

    def by_lingua(text: str) -> Answer:
        found = lingua.detect_language_of(text)
        return Answer(found is not None and found.name == region.lingua)

    def by_py3langid(text: str) -> Answer:
        return Answer(py3langid.classify(text)[0] == region.code)

    return {
        "gates": gate_of(code, LanguageConfig()),
        "gates + lid.176": gate_of(code, LanguageConfig(second_opinion=SecondOpinion.lid176)),
        "CLD2": by_cld2,
        "lingua": by_lingua,
        "py3langid": by_py3langid,
    }


def gate_of(code: str, config: LanguageConfig) -> System:
    """Return the script gate and the language gate behind it as one function."""
    script = ScriptGate(load_region(code), config)
    language = LanguageGate(load_region(code), config)
    language.second = second_model(config)

    def ask(text: str) -> Answer:
        document = new_document(id="", text=text, lang="", source="", licence="", url="")
        verdict = script.judge(document) or language.judge(document)
        return Answer(verdict is None, metadata_of(document)["register"])

    return ask


def join(texts: list[str], number: int) -> list[str]:
    """Return rows of so many neighbouring sentences."""
    last = len(texts) - number + 1
    return [" ".join(texts[start : start + number]) for start in range(0, last, number)]


def read_sets(folder: Path | None) -> dict[str, list[str]]:
    """Return the texts of each class; without the folder, neighbours' shipped dev sentences."""
    texts = {}
    for name, (file, field, _) in SETS.items():
        if file.startswith("sample:"):
            texts[name] = [row[field] for row in read_rows(resolve_sample(file))]
        elif folder is not None:
            texts[name] = [row[field] for row in read_rows(folder / file)][:MAX_ROWS]
    if folder is None:
        print("neighbours: SIB-200 dev, which the word lists were written with; use --data")
        rows = read_rows(resolve_sample("sample:langid/neighbours_dev.jsonl.gz"))
    else:
        rows = [row for row in read_rows(folder / NEIGHBOURS[0]) if row["split"] == "test"]
    for row in rows:
        texts.setdefault(row["lang"], []).append(row["text"])
    return texts


def read_rows(file: Path) -> list[dict[str, str]]:
    """Return the rows of a JSON Lines file, packed or not."""
    data = gzip.decompress(file.read_bytes()) if file.suffix == ".gz" else file.read_bytes()
    return [json.loads(line) for line in data.splitlines()]


if __name__ == "__main__":
    main()
