"""Do the gates pass a checkpoint against itself? Replies drawn twice from it, many times.

First draw many replies to each item, then judge disjoint subsets of them as parent and child::

    lokal evaluate name=twice system=child checkpoint=runs/x/id/model languages=[id,en] \
        suite=sib200 answers.temperature=0.7 answers.samples=64
    python benchmarks/sampled_twice.py runs/twice/generations/child --suite sib200 --language id \
        --anchor en --samples 16 --pairs 200

The subsets are chosen by a seed; each reply of an item is its own draw (evaluation/generation), so
two subsets are what two runs with other seeds would have said. Quality and forgetting
are judged with the thresholds of ``configs/gates/regression.yaml``.
"""

import argparse
import random
from collections import Counter, defaultdict
from pathlib import Path

from lokal.data.suite import Suite, load_suite
from lokal.evaluation.formats.format import load_format
from lokal.evaluation.gates.judge import judge_region
from lokal.evaluation.gates.result import worst_verdict
from lokal.evaluation.gates.series import GateInputs, GateSeries
from lokal.evaluation.gates.thresholds import load_gates
from lokal.evaluation.item import Item
from lokal.evaluation.items import read_items
from lokal.evaluation.reply import READ_STATES, read_replies


def main() -> None:
    """Print how often the gates pass, and how many answers differ."""
    options = _options()
    suite = load_suite(options.suite)
    values = {
        language: _values(options, suite, language)
        for language in (options.language, options.anchor)
    }
    draw = random.Random(options.seed)
    verdicts: Counter[str] = Counter()
    by_gate: Counter[tuple[str, str]] = Counter()
    thresholds = load_gates("regression")
    for _ in range(options.pairs):
        pair = {language: _draw(rows, draw, options.samples) for language, rows in values.items()}
        inputs = GateInputs(
            tasks=[pair[options.language]],
            retention={options.anchor: [pair[options.anchor]]},
        )
        judged = {"target_quality", "forgetting"}
        results = [r for r in judge_region(inputs, thresholds=thresholds) if r.gate in judged]
        verdicts[str(worst_verdict([result.verdict for result in results]))] += 1
        by_gate.update((result.gate, str(result.verdict)) for result in results)
    _print(options, values, verdicts, by_gate)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="generations of one system, many samples an item")
    parser.add_argument("--suite", default="sib200")
    parser.add_argument("--language", default="id")
    parser.add_argument("--anchor", default="en")
    parser.add_argument("--items-root", type=Path, default=None)
    parser.add_argument("--samples", type=int, default=16, help="of each item and side")
    parser.add_argument("--pairs", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


def _values(options: argparse.Namespace, suite: Suite, language: str) -> dict[str, list[float]]:
    """Return the value of every drawn reply by item."""
    items: dict[str, Item] = {
        item.id: item
        for item in read_items(
            suite, split="test", language=language, items_root=options.items_root
        )
    }
    adapter = load_format(suite)
    found: dict[str, list[float]] = defaultdict(list)
    for reply in read_replies(options.folder / f"{suite.name}-{language}.jsonl"):
        mark = adapter.score(items[reply.id], reply.reply)
        is_read = reply.state in READ_STATES and mark.value is not None
        found[reply.id].append(float(mark.value or 0) if is_read else 0.0)
    return dict(found)


def _draw(rows: dict[str, list[float]], draw: random.Random, samples: int) -> GateSeries:
    """Return two disjoint sets of replies to every item as child and parent."""
    first: list[float] = []
    second: list[float] = []
    clusters: list[str] = []
    for name, values in rows.items():
        chosen = draw.sample(values, 2 * samples)
        first += chosen[:samples]
        second += chosen[samples:]
        clusters += [name] * samples
    return GateSeries(name="drawn", first=first, second=second, clusters=clusters)


def _print(
    options: argparse.Namespace,
    values: dict[str, dict[str, list[float]]],
    verdicts: Counter[str],
    by_gate: Counter[tuple[str, str]],
) -> None:
    for language, rows in values.items():
        right = [sum(row) / len(row) for row in rows.values()]
        differ = sum(2 * share * (1 - share) for share in right) / len(right)
        print(
            f"{options.suite} {language}: {len(rows)} items, {sum(right) / len(right):.3f} right, "
            f"two replies to an item differ in {100 * differ:.1f} %"
        )
    print(f"{options.pairs} pairs, {options.samples} replies an item and side: {dict(verdicts)}")
    for (gate, verdict), number in sorted(by_gate.items()):
        print(f"  {gate}: {verdict} {number}")


if __name__ == "__main__":
    main()
