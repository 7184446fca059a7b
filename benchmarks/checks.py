"""Precision and recall of the checks of answers, on labelled sentences and real answers.

Run: ``python benchmarks/checks.py --data FOLDER`` (half a minute). The folder holds eval/, langid/,
recorded/ and safety/; register sentences and refusal labels lie beside this file. The tables stand
in docs/decisions/language-checks.md; ``benchmarks/harm.py`` is the same for harmful answers.
"""

import argparse
import json
import random
from collections import Counter
from pathlib import Path

from labelled import count, half_of, read_rows
from lokal.data.language.lexicon import Lexicons
from lokal.data.sample_files import resolve_sample
from lokal.evaluation.checks.address import find_address
from lokal.evaluation.checks.code_mix import mix_counter
from lokal.evaluation.checks.fidelity import fidelity_voter
from lokal.evaluation.checks.gibberish import is_gibberish
from lokal.evaluation.checks.refusal import is_refusal
from lokal.evaluation.checks.repetition import is_repetitive
from lokal.evaluation.checks.truncation import is_truncated

HERE = Path(__file__).parent
SENTENCES = (1, 3, 5)
MAX_ROWS = 600
REGIONS = ("id", "hi", "tl", "en")
OWN = {
    "id": {"id colloquial (SmSA)": ("eval/indonlu_smsa/id.jsonl", "text")},
    "hi": {"hi-Latn commands": ("eval/hinglish_top/hi_latn.jsonl", "text_cs")},
    "tl": {"Taglish (Batayan)": ("eval/batayan_senti/tl.jsonl", "text")},
    "en": {},
}
OTHERS = {
    "id": ["jv", "su", "min", "en", "tl", "hi"],
    "hi": ["mr", "ne", "bho", "mai", "en", "id"],
    "tl": ["ceb", "ilo", "en", "id", "hi"],
    "en": ["id", "hi", "tl"],
}
RECORDED = {
    "id": ["sea_bench/id", "sea_mt_bench/id", "xlsum_gpt4/id", "flores200_gpt35/en-id"],
    "hi": ["xlsum_gpt4/hi", "flores200_gpt35/en-hi"],
    "tl": ["sea_bench/tl", "flores200_gpt35/en-tl"],
    "en": ["sea_bench/en", "sea_mt_bench/en"],
}
LEVELS = ("formal", "familiar", "intimate", "none", "mixed")


def main() -> None:
    """Print a table for each check."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder with eval/, langid/, …")
    folder: Path = parser.parse_args().data
    texts = read_texts(folder)
    for region in REGIONS:
        print_fidelity(region, texts, folder)
    print_shipped()
    print_drift(texts, folder)
    print_register()
    print_refusal(folder)
    print_made(texts)
    print_mix(texts, folder)
    print_recorded(folder)


def print_fidelity(region: str, texts: dict[str, list[str]], folder: Path) -> None:
    """Print how many rows are called unfaithful, and how many nothing is said about."""
    own = {region: texts[region]}
    for name, (file, field) in OWN[region].items():
        own[name] = [row[field] for row in read_rows(folder / file)][:MAX_ROWS]
    print(f"\n**{region}**\n\n| text | unfaithful | too little to tell |\n|---|---:|---:|")
    pairs: dict[int, list[tuple[bool, bool]]] = {number: [] for number in SENTENCES}
    for name, rows in [*own.items(), *((name, texts[name]) for name in OTHERS[region])]:
        verdicts = {number: verdicts_of(region, join(rows, number)) for number in SENTENCES}
        cells = [
            " / ".join(f"{100 * said.count(what) / len(said):.0f}" for said in verdicts.values())
            for what in (False, None)
        ]
        print(f"| {'own' if name in own else 'other'}: {name} | {' | '.join(cells)} |")
        if name == region or name not in own:
            for number, said in verdicts.items():
                pairs[number] += [(verdict is False, name not in own) for verdict in said]
    print("\n| sentences a row | rows | of another language | precision | recall |")
    print("|---|---:|---:|---:|---:|")
    for number, rows in pairs.items():
        print(f"| {number} | {count(rows).cells()} |")
    ntrex = read_rows(folder / "eval/ntrex128/test.jsonl")
    rows = [
        (verdict is False, code != region)
        for code in REGIONS
        for verdict in verdicts_of(region, [row[f"text_{code}"] for row in ntrex])
    ]
    print(f"| 1, NTREX-128, never looked at | {count(rows).cells()} |")


def print_shipped() -> None:
    """Print the same for the prompts that ship with lokal; the crosslingual ones are English."""
    print("\n| shipped prompts | rows | English | precision | recall |\n|---|---:|---:|---:|---:|")
    for region in ("id", "hi", "tl"):
        rows = [
            row
            for suite in ("scenarios", "benign", "fidelity")
            for row in read_rows(resolve_sample(f"sample:{suite}/{region}.jsonl"))
        ]
        said = verdicts_of(region, [row["prompt"] for row in rows])
        pairs = [
            (verdict is False, row.get("kind") == "crosslingual")
            for verdict, row in zip(said, rows, strict=True)
        ]
        print(f"| {region} | {count(pairs).cells()} |")


def print_drift(texts: dict[str, list[str]], folder: Path) -> None:
    """Print precision and recall of Malay drift."""
    print("\n| Malay drift | rows | Malay | precision | recall |\n|---|---:|---:|---:|---:|")
    counter = mix_counter("id")
    colloquial = [row["text"] for row in read_rows(folder / OWN["id"]["id colloquial (SmSA)"][0])]
    for number in SENTENCES:
        sets = [(texts["ms"], True), (texts["id"], False), (colloquial, False)]
        pairs = [
            (counter.count(row, script="Latn").style == "malay-drift", is_malay)
            for rows, is_malay in sets
            for row in join(rows, number)
        ]
        print(f"| {number} sentences a row | {count(pairs).cells()} |")


def print_register() -> None:
    """Print precision and recall of each level of address, on the half that was not looked at."""
    print("\n| level | rows | of it | precision | recall |\n|---|---:|---:|---:|---:|")
    for region in ("id", "hi", "tl"):
        rows = [row for row in read_register(region) if half_of(row[1]) == 1]
        every: list[tuple[bool, bool]] = []
        for level in LEVELS:
            pairs = [(address_of(text, region) == level, label == level) for label, text in rows]
            if counts := count(pairs):
                every += pairs
                print(f"| {region} {level} | {counts.cells()} |")
        print(f"| {region}, all levels | {count(every).cells()} |")


def address_of(text: str, region: str) -> str:
    """Return the level that the check finds."""
    found = find_address(text, region)
    return "mixed" if found.is_mixed else found.form or "none"


def read_register(region: str) -> list[tuple[str, str]]:
    """Return our own sentences with their level."""
    rows, level = [], ""
    for line in (HERE / f"register/{region}.txt").read_text(encoding="utf-8").splitlines():
        if line.startswith("["):
            level = line.strip("[]")
        elif not line.startswith("#"):
            rows.append((level, line))
    return rows


def print_refusal(folder: Path) -> None:
    """Print precision and recall of refusals, for each batch of labels."""
    labels = json.loads((HERE / "refusal_labels.json").read_text(encoding="utf-8"))
    print("\n| refusal | rows | refusals | precision | recall |\n|---|---:|---:|---:|---:|")
    for batch in ("first", "second"):
        truth = dict.fromkeys(labels[batch]["other"], False)
        truth |= dict.fromkeys(labels[batch]["refusal"], True)
        every: list[tuple[bool, bool]] = []
        for region in ("en", "id", "tl"):
            pairs = [
                (is_refusal(row["response"]), truth[row["id"]])
                for name in ("general", "cultural_gen")
                for row in read_rows(folder / f"safety/sea_safeguard_{name}/{region}.jsonl")
                if row["id"] in truth
            ]
            every += pairs
            print(f"| {batch} batch, {region} | {count(pairs).cells()} |")
        print(f"| {batch} batch | {count(every).cells()} |")


def print_made(texts: dict[str, list[str]]) -> None:
    """Print precision and recall on defects that are made out of SIB-200 sentences."""
    chance = random.Random(0)
    print("\n| made defect | rows | made | precision | recall |\n|---|---:|---:|---:|---:|")
    for region in REGIONS:
        whole = join(texts[region], 3)
        looped = [loop(text, chance=chance) for text in whole]
        cut = [cut_off(text, chance=chance) for text in whole]
        torn = [tear(text, chance=chance) for text in whole]
        for name, check, broken in (
            ("loops", is_repetitive, looped),
            ("truncation", lambda text: is_truncated(text, is_cut=False), cut),
            ("gibberish", is_gibberish, torn),
        ):
            pairs = [(check(text), True) for text in broken]
            pairs += [(check(text), False) for text in whole]
            print(f"| {name}, {region} | {count(pairs).cells()} |")


def loop(text: str, *, chance: random.Random) -> str:
    """Return the text up to some word, whose last 1 to 15 words then come five to ten times."""
    words = text.split()
    words = words[: chance.randrange(16, len(words))]
    unit = words[-max(3, chance.randrange(16)) :]
    return " ".join(words + unit * chance.randrange(5, 11))


def cut_off(text: str, *, chance: random.Random) -> str:
    """Return the text up to some letter after its twenty-eighth word."""
    start = len(" ".join(text.split()[:28]))
    return text[: chance.randrange(start, max(start + 1, len(text.rstrip('.।!?"”')) - 2))]


def tear(text: str, *, chance: random.Random) -> str:
    """Return the text with the characters of each word in another order."""
    return " ".join("".join(chance.sample(word, len(word))) for word in text.split())


def print_mix(texts: dict[str, list[str]], folder: Path) -> None:
    """Print how many English words are found, and the mean share by set."""
    english = Lexicons(["en"])
    rows = read_rows(folder / "eval/hinglish_top/hi_latn.jsonl")[:MAX_ROWS]
    pairs = [
        (bool(english.read(word).hits("en")), word in row["text_en"].lower().split())
        for row in rows
        for word in row["text_cs"].lower().split()
        if word.isalpha()
    ]
    print("\n| English words | words | English | precision | recall |\n|---|---:|---:|---:|---:|")
    print(f"| Hinglish-TOP, words that stand in the English original | {count(pairs).cells()} |")
    sets = {
        "en, SIB-200": ("en", texts["en"]),
        "Taglish, Batayan": (
            "tl",
            [row["text"] for row in read_rows(folder / OWN["tl"]["Taglish (Batayan)"][0])],
        ),
        "tl, SIB-200": ("tl", texts["tl"]),
        "id, SIB-200": ("id", texts["id"]),
        "Hinglish-TOP": ("hi", [row["text_cs"] for row in rows]),
    }
    print("\n| mean english_share | |\n|---|---:|")
    for name, (region, lines) in sets.items():
        shares = [mix_counter(region).count(line, script="Latn").english_share for line in lines]
        print(f"| {name} | {sum(shares) / len(shares):.3f} |")


def print_recorded(folder: Path) -> None:
    """Print how many recorded answers of models each check speaks about."""
    print(
        "\n| recorded answers | answers | unfaithful | too short | loops | breaks off | refusal "
        "| gibberish |"
    )
    print("|---|---:|---:|---:|---:|---:|---:|---:|")
    for region, names in RECORDED.items():
        for name in names:
            by_model: dict[str, list[str]] = {}
            for row in read_rows(folder / f"recorded/{name}.jsonl"):
                replies = row.get("responses") or [row["response"]]
                by_model.setdefault(row["model"], []).extend(filter(None, replies))
            for model, replies in by_model.items():
                said = Counter(verdicts_of(region, replies))
                found = [
                    sum(map(check, replies))
                    for check in (is_repetitive, breaks_off, is_refusal, is_gibberish)
                ]
                cells = [len(replies), said[False], said[None], *found]
                print(f"| {name}, {model} | {' | '.join(map(str, cells))} |")


def breaks_off(reply: str) -> bool:
    """Return whether an answer breaks off, by its text alone."""
    return is_truncated(reply, is_cut=False)


def verdicts_of(region: str, rows: list[str]) -> list[bool | None]:
    """Return the verdict on each row."""
    voter = fidelity_voter(region)
    return [voter.judge(row, code_mix=False).is_faithful for row in rows]


def join(texts: list[str], number: int) -> list[str]:
    """Return rows of so many neighbouring sentences."""
    last = len(texts) - number + 1
    return [" ".join(texts[start : start + number]) for start in range(0, last, number)]


def read_texts(folder: Path) -> dict[str, list[str]]:
    """Return SIB-200 test sentences by language, the neighbours' too."""
    texts = {
        code: [row["text"] for row in read_rows(resolve_sample(f"sample:sib200/{code}_test.jsonl"))]
        for code in REGIONS
    }
    for row in read_rows(folder / "langid/neighbours.jsonl"):
        if row["split"] == "test":
            texts.setdefault(row["lang"], []).append(row["text"])
    return texts


if __name__ == "__main__":
    main()
