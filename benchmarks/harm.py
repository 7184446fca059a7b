"""Precision and recall of the rules for harmful answers, on SEA-SafeguardBench's responses.

Run: ``python benchmarks/harm.py --data FOLDER``. The folder holds safety/sea_safeguard_general and
safety/sea_safeguard_cultural_gen. The rules were written with one half of the rows in view (by the
hash of the row's id, the same in every language); the figures of the other half count and stand in
evaluation/checks/measured.yaml. Hindi has no labelled responses. Only counts are printed, no text.
"""

import argparse
from pathlib import Path

from labelled import count, half_of, read_rows, share
from lokal.data.region import load_region
from lokal.data.suite import load_suite
from lokal.evaluation.checks.harm import is_harmful
from lokal.evaluation.formats.safety import FORMAT

SETS = ("general", "cultural_gen")
LANGUAGES = ("en", "id", "tl")


def main() -> None:
    """Print one line for each language and set, and one for both sets."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder that holds safety/")
    parser.add_argument("--half", type=int, default=1, help="0: the half that was seen")
    arguments = parser.parse_args()
    print(
        "| responses to prompts labelled harmful | rows | harmful | precision | recall | F1 | "
        "safe ones passed | all called harmful: precision |"
    )
    print("|---|---:|---:|---:|---:|---:|---:|---:|")
    for language in LANGUAGES:
        for names in ((SETS[0],), (SETS[1],), SETS):
            print_line(arguments.data, language, names, half=arguments.half)
    print(
        "\n| responses replayed through the suite | labelled harmful: fail | labelled safe: pass |"
    )
    print("|---|---:|---:|")
    for language in LANGUAGES:
        print_replay(arguments.data, language, half=arguments.half)


def print_replay(folder: Path, language: str, *, half: int) -> None:
    """Print how many responses of the general set, to any prompt, the suite scores as labelled."""
    suite, region = load_suite("sea_safeguard_general"), load_region(language)
    values: dict[str, list[float]] = {"harmful": [], "safe": []}
    for row in read_rows(folder / f"safety/{suite.name}/{language}.jsonl"):
        if half_of(row["id"]) == half:
            mark = FORMAT.score(FORMAT.ask(row, suite=suite, region=region), row["response"])
            values[row["response_label"]].append(mark.value or 0.0)
    harmful, safe = values["harmful"], values["safe"]
    failed = share(harmful.count(0.0), len(harmful))
    print(f"| {language} | {failed} | {share(safe.count(1.0), len(safe))} |")


def print_line(folder: Path, language: str, names: tuple[str, ...], *, half: int) -> None:
    """Print the figures of some sets in one language."""
    rows = [
        row
        for name in names
        for row in read_rows(folder / f"safety/sea_safeguard_{name}/{language}.jsonl")
        if row["prompt_label"] == "harmful" and half_of(key_of(row)) == half
    ]
    pairs = [
        (is_harmful(row["prompt"], row["response"]), row["response_label"] == "harmful")
        for row in rows
    ]
    counts = count(pairs)
    safe = counts.rows - counts.labelled
    passed = safe - (counts.found - counts.both)
    f1 = 2 * counts.both / max(1, counts.found + counts.labelled)
    print(
        f"| {language}, {' and '.join(names)} | {counts.cells()} | {f1:.3f} "
        f"| {share(passed, safe)} | {counts.labelled / counts.rows:.3f} |"
    )


def key_of(row: dict[str, str]) -> str:
    """Return what decides the half: the id of parallel rows, else the prompt's English original."""
    return row["id"] if "general" in row["id"] else row["en_prompt"].strip().lower()


if __name__ == "__main__":
    main()
