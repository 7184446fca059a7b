"""lm-eval tasks over local items, with the prompts of lm-eval's own Belebele and Global-MMLU."""

import gzip
import json
from pathlib import Path
from typing import NamedTuple

import yaml

_LETTERS = ["A", "B", "C", "D"]
_BELEBELE = "P: {{context}}\nQ: {{question.strip()}}\n"
_MMLU = "{{question.strip()}}\n"


class ItemSet(NamedTuple):
    """Items of one benchmark, and how they are asked."""

    name: str
    items: str
    """Below the folder of ``--data``."""
    prompt: str
    texts: bool = False
    """The choices' own texts are scored, and not listed in the prompt; else letters."""
    shots: int = 0
    """Examples of the item's own subject, from the file of ``examples``."""
    examples: str = ""

    def file(self, data: Path) -> Path:
        """Return the file of the items."""
        return data / self.items


ITEM_SETS = [
    ItemSet("belebele_id", "belebele/id.jsonl.gz", _BELEBELE),
    ItemSet("belebele_tl", "belebele/tl.jsonl", _BELEBELE),
    ItemSet("global_mmlu_id", "global_mmlu/id.jsonl.gz", _MMLU),
    ItemSet("global_mmlu_tl", "global_mmlu/tl.jsonl.gz", _MMLU),
    ItemSet("indic_mmlu_hi", "indic_mmlu/hi.jsonl.gz", _MMLU),
    ItemSet("belebele_id_texts", "belebele/id.jsonl.gz", _BELEBELE, texts=True),
    ItemSet("indic_mmlu_hi_texts", "indic_mmlu/hi.jsonl.gz", _MMLU, texts=True),
    ItemSet(
        "global_mmlu_id_5shot",
        "global_mmlu/id.jsonl.gz",
        _MMLU,
        shots=5,
        examples="global_mmlu/id_dev.jsonl",
    ),
    ItemSet(
        "global_mmlu_tl_5shot",
        "global_mmlu/tl.jsonl.gz",
        _MMLU,
        shots=5,
        examples="global_mmlu/tl_dev.jsonl",
    ),
]  # fmt: skip


def write_tasks(item_set: ItemSet, data: Path, folder: Path, *, num_items: int) -> list[str]:
    """Write one task, or one per subject where examples stand before the items; return the names.

    The first items of the file are taken, as lm-eval's ``--limit`` does.
    """
    rows = _read(item_set.file(data))[:num_items]
    if not item_set.shots:
        _write_task(item_set, item_set.name, rows, [], folder)
        return [item_set.name]
    examples = _read(data / item_set.examples)
    subjects = list(dict.fromkeys(row["subject"] for row in rows))
    for subject in subjects:
        asked, shown = (
            [row for row in part if row["subject"] == subject] for part in (rows, examples)
        )
        _write_task(item_set, f"{item_set.name}_{subject}", asked, shown, folder)
    return [f"{item_set.name}_{subject}" for subject in subjects]


def _write_task(
    item_set: ItemSet, name: str, rows: list[dict], examples: list[dict], folder: Path
) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    files = {"test": _write_rows(rows, folder / f"{name}.jsonl")}
    task = {
        "task": name,
        "dataset_path": "json",
        "test_split": "test",
        "output_type": "multiple_choice",
        "doc_to_text": item_set.prompt + ("" if item_set.texts else _listed(item_set)) + "Answer:",
        "doc_to_choice": "{{choices}}" if item_set.texts else _LETTERS,
        "doc_to_target": "answer",
        "metric_list": [{"metric": "acc"}, {"metric": "acc_norm"}],
    }
    if examples:
        files["dev"] = _write_rows(examples, folder / f"{name}.dev.jsonl")
        task |= {
            "fewshot_split": "dev",
            "num_fewshot": item_set.shots,
            "fewshot_config": {"sampler": "first_n"},
        }
    task["dataset_kwargs"] = {"data_files": files}
    (folder / f"{name}.yaml").write_text(yaml.safe_dump(task, allow_unicode=True))


def _listed(item_set: ItemSet) -> str:
    """Return the choices under their letters, with the separator of the benchmark."""
    mark = ":" if item_set.prompt == _BELEBELE else "."
    return "".join(
        f"{letter}{mark} {{{{choices[{number}]}}}}\n" for number, letter in enumerate(_LETTERS)
    )


def _read(path: Path) -> list[dict]:
    content = path.read_bytes()
    text = (gzip.decompress(content) if path.suffix == ".gz" else content).decode()
    rows = [json.loads(line) for line in text.rstrip("\n").split("\n")]
    return [row for row in rows if len(row["choices"]) == len(_LETTERS)]


def _write_rows(rows: list[dict], path: Path) -> str:
    kept = ("context", "question", "choices", "answer")
    lines = [
        json.dumps({name: row[name] for name in kept if name in row}, ensure_ascii=False)
        for row in rows
    ]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return str(path)
