"""chrF++ of recorded translations, beside what was published about the same recordings.

Run: ``python benchmarks/recorded_translation.py --data FOLDER``; the folder holds
``recorded/flores200_gpt35``, ``recorded/wmt24_en_hi``, ``eval/flores200``, ``eval/wmt24_en_hi`` and
``published_scores.csv``. Prints numbers only, no text. The figures stand in
docs/decisions/translation-scores.md.
"""

import argparse
import csv
import gzip
import json
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from lokal.evaluation.metrics.chrf import ChrF
from lokal.evaluation.statistics.corpus import corpus_interval
from sacrebleu.metrics.chrf import CHRF
from scipy.stats import kendalltau

FLORES = {"en-id": "text_id", "en-hi": "text_hi", "en-tl": "text_tl"}
WMT = "recorded/wmt24_en_hi"
COLUMNS = (
    "direction",
    "model",
    "segments",
    "empty",
    "chrF++",
    "95 % interval",
    "as typed",
    "as typed, answered alone",
    "published chrF++",
    "as typed less published",
    "chrF2 less the list's",
)
"""``as typed``: without our normalisation, which the published figures do not have."""
RESAMPLES = 1000
SEED = 0


class Segment(NamedTuple):
    """One recorded translation with its reference and the document it belongs to."""

    reply: str
    reference: str
    document: str


def main() -> None:
    """Print one row a model and direction, then how the orders of the models agree."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder of recordings and items")
    data: Path = parser.parse_args().data
    published = _published(data / "published_scores.csv")
    print(f"signature {ChrF().signature}; {RESAMPLES} resamples, 95 %")
    print(f"| {' | '.join(COLUMNS)} |\n|{'---|' * len(COLUMNS)}")
    for direction, field in FLORES.items():
        segments = _segments(
            data / f"recorded/flores200_gpt35/{direction}.jsonl.gz",
            data / "eval/flores200/devtest.jsonl.gz",
            field=field,
        )
        print(_row(direction, "gpt-3.5-turbo", segments, published=published))
    scores: dict[str, float] = {}
    for path in sorted((data / WMT).glob("*.jsonl.gz")):
        model = path.name.removesuffix(".jsonl.gz")
        items = data / "eval/wmt24_en_hi/test.jsonl.gz"
        segments = _segments(path, items, field="text_hi")
        print(_row("WMT24 en-hi", model, segments, published=published))
        scores[model] = _corpus(segments)
    _print_orders(scores, published)


def _row(
    direction: str,
    model: str,
    segments: Sequence[Segment],
    *,
    published: dict[tuple[str, str, str], float],
) -> str:
    chrf = ChrF()
    statistics_NS = np.array([chrf.statistics(one.reply, [one.reference]) for one in segments])
    found = corpus_interval(
        statistics_NS,
        score=chrf.score,
        confidence=0.95,
        resamples=RESAMPLES,
        seed=SEED,
        clusters=[one.document for one in segments],
    )
    replies, references = [one.reply for one in segments], [one.reference for one in segments]
    typed = CHRF(word_order=2).corpus_score(replies, [references]).score
    pairs = [one for one in segments if one.reply.strip()]
    answered = CHRF(word_order=2).corpus_score(
        [one.reply for one in pairs], [[one.reference for one in pairs]]
    )
    known = published.get((direction, model, "chrF++"))
    cells = [
        direction,
        model,
        f"{len(segments)}",
        f"{len(segments) - len(pairs)}",
        f"{100 * found.estimate:.2f}",
        f"{100 * found.low:.2f} to {100 * found.high:.2f}",
        f"{typed:.2f}",
        f"{answered.score:.2f}",
        "" if known is None else f"{known:.2f}",
        "" if known is None else f"{typed - known:+.2f}",
    ]
    listed = published.get((direction, model, "chrF2"))
    plain = CHRF().corpus_score(replies, [references]).score
    cells.append("" if listed is None else f"{plain - listed:+.2f}")
    return f"| {' | '.join(cells)} |"


def _print_orders(scores: dict[str, float], published: dict[tuple[str, str, str], float]) -> None:
    """Print how far chrF++ orders the WMT24 systems as the published scores do."""
    models = sorted(scores)
    for metric in ("MetricX (lower better)", "AutoRank (lower better)"):
        theirs = [-published["WMT24 en-hi", model, metric] for model in models]
        tau, _ = kendalltau([scores[model] for model in models], theirs)
        print(f"Kendall tau of {len(models)} systems, chrF++ and {metric}: {tau:+.2f}")


def _corpus(segments: Sequence[Segment]) -> float:
    chrf = ChrF()
    statistics = [chrf.statistics(one.reply, [one.reference]) for one in segments]
    return chrf.score([sum(column) for column in zip(*statistics, strict=True)])


def _segments(recording: Path, items: Path, *, field: str) -> list[Segment]:
    """Return the recorded replies with the items' references, in the items' order."""
    replies = {row["id"]: row["response"] for row in _rows(recording)}
    return [
        Segment(replies[row["id"]], row[field], row.get("doc", row["id"])) for row in _rows(items)
    ]


def _rows(path: Path) -> list[dict[str, str]]:
    with gzip.open(path, "rt", encoding="utf-8") as stream:
        return [json.loads(line) for line in stream]


def _published(path: Path) -> dict[tuple[str, str, str], float]:
    """Return scores by direction, model and metric; FLORES' authors write chrF for chrF2++."""
    found: dict[tuple[str, str, str], float] = {}
    with path.open(encoding="utf-8", newline="") as stream:
        for row in csv.DictReader(stream):
            is_wmt = row["benchmark"].startswith("WMT24 general MT")
            if not is_wmt and not row["benchmark"].startswith("FLORES-200 devtest"):
                continue
            if not is_wmt and row["shots"] != "0":
                continue
            direction = f"WMT24 {row['language']}" if is_wmt else row["language"]
            metric = "chrF++" if row["metric"] == "chrF" else row["metric"]
            found[direction, row["model"], metric] = float(row["value"])
    return found


if __name__ == "__main__":
    main()
