"""The content of ``results.json``: every figure of the comparison, built from finished folders.

Shares and scores lie in [0, 1], intervals are ``[low, high]``, null stands where nothing is known.
Top level: suite, split, confidence, power, anchor, anchor_name, parent, systems, test_scored,
not_run (benchmarks by who has not finished them), judges (summaries of ``lokal judge`` as they
stand in the run: evaluation/judge/summary.py), and ``regions.<code>`` with

- ``tasks``: one entry for each benchmark and protocol (``generate`` and ``loglikelihood`` are
  never compared with each other): metric, n, groups (independent items), chance,
  ``systems.<system>`` (describe.py), ``differences.child-<system>`` (a view's figures:
  difference.py; ``word`` is what all views allow to say), ``categories``, and ``one answer``: what
  the commonest answer would score;
- ``headline.<protocol>.<native|translated|all>.child-<system>`` (headline.py);
- ``leaderboard``: scores, pairs and strengths of all systems (leaderboard.py);
- ``decision``: one row a use and other system (decision.py);
- ``kept``: by language (the anchor, other regions) the tasks that show what was forgotten;
- ``option_orders``: for tasks whose options were shown in several orders (option_orders.py);
- ``checks.<system>``: rates of the language checks (language.py);
- ``contamination.<suite>``: compared items in training rows; null where no corpus was named;
- ``published``: what others have published on its benchmarks; nothing is computed with it;
- ``spending``: what the ledgers say (spending.py); ``spending_elsewhere`` at the top: of no region;
- ``votes.<region>`` at the top: what people preferred, and how far they agree (votes.py);
- ``training``, ``tasks_trained``, ``decontaminated``, ``licences`` and ``name``.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ...data.manifest import Json, read_manifest
from ...data.region import load_region
from ...data.suite import Suite
from ..checks.measured import load_measured
from ..contamination import SuiteHits, find_contamination
from ..cost import load_prices
from ..gates.judge import judge_region
from ..gates.result import GateResult
from ..gates.series import Detector
from ..item import Item
from ..judge.used import judge_summaries
from ..published import load_published, published_beside
from ..scorings import times_scored
from ..settings import CompareConfig, StatisticsConfig
from .decision import decide_uses
from .difference import Difference, settle_words
from .expense import Expenses
from .gate_inputs import gate_inputs
from .headline import headlines
from .judged import by_use
from .language import CheckedReply, check_replies, describe_checks
from .leaderboard import leaderboard
from .load import load_tasks
from .option_orders import describe_option_orders
from .provenance import describe_systems, describe_training, unasked_labels
from .spending import describe_region_spending, describe_shared_spending
from .task import Task
from .task_figures import compare_task, describe_task
from .votes import describe_votes


@dataclass(frozen=True, slots=True)
class RegionResults:
    """One region: its tasks, what the gates say, and the figures of both."""

    code: str
    tasks: list[Task]
    checked: list[CheckedReply]
    gates: list[GateResult]
    figures: dict[str, Json]


@dataclass(frozen=True, slots=True)
class Results:
    """All figures, and the regions that the page shows with their replies."""

    figures: dict[str, Json]
    regions: list[RegionResults]


def build_results(config: CompareConfig) -> Results:
    """Return the comparison of all regions.

    Raises:
        UserError: a system's replies are broken, or were given to other items.
    """
    not_run: dict[str, list[str]] = {}
    regions = [_region(config, code, not_run) for code in config.regions]
    systems = describe_systems(config)
    parent = systems["parent"]
    figures: dict[str, Json] = {
        "suite": config.suite.name,
        "split": config.split,
        "confidence": config.statistics.confidence,
        "power": config.statistics.power,
        "worth_showing": config.statistics.worth_showing,
        "anchor": config.anchor,
        "anchor_name": load_region(config.anchor).name,
        "parent": parent.get("label") if isinstance(parent, dict) else None,
        "systems": systems,
        "test_scored": times_scored(config),
        "judges": list[Json](judge_summaries(config.run)),
        "spending_elsewhere": describe_shared_spending(config),
        "votes": describe_votes(config),
        "not_run": {missing: list[Json](suites) for missing, suites in not_run.items()},
        "regions": {region.code: region.figures for region in regions},
        "failed": {
            code: {"name": load_region(code).name, "why": why}
            for code, why in config.failed.items()
        },
    }
    return Results(figures, regions)


def _region(config: CompareConfig, code: str, not_run: dict[str, list[str]]) -> RegionResults:
    child, statistics = config.child_of(code), config.statistics
    own = load_tasks(config, code, child=child)
    not_run |= own.not_run
    kept = _kept(config, code, child, not_run)
    differences = _compared(config, own.tasks)
    checked = check_replies(own.tasks)
    every = [*own.tasks, *(task for tasks in kept.values() for task in tasks)]
    hits = _contamination(config, code, every)
    gates = judge_region(
        gate_inputs(
            own.tasks,
            kept,
            checked,
            exact_hits=_exact_hits(every, hits),
            detectors={
                gate: Detector(made.precision, made.recall)
                for gate, made in load_measured(code).items()
            },
        ),
        thresholds=config.gates,
    )
    headline = headlines(differences, statistics)
    figures: dict[str, Json] = {
        "name": load_region(code).name,
        "tasks": _described(own.tasks, differences, statistics),
        "headline": headline,
        "leaderboard": leaderboard(own.tasks, statistics),
        "spending": describe_region_spending(config, code, headline),
        "published": _published(config, own.tasks),
        "decision": decide_uses(
            _compared(config, by_use(own.tasks)) if _is_judged(own.tasks) else differences,
            config.baselines,
            _expenses(config, child),
            statistics,
        ),
        "kept": {
            language: {
                "name": load_region(language).name,
                "tasks": _described(tasks, _compared(config, tasks), statistics),
            }
            for language, tasks in kept.items()
        },
        "option_orders": describe_option_orders(own.tasks, _folders(config, child), statistics),
        "checks": dict[str, Json](describe_checks(checked, statistics)),
        "contamination": None
        if hits is None
        else {name: found.to_json() for name, found in hits.items()},
        **describe_training(config, code),
    }
    return RegionResults(code, own.tasks, checked, gates, figures)


def _published(config: CompareConfig, tasks: Sequence[Task]) -> list[Json]:
    compared = [(task.suite.name, task.language, task.metric, len(task.items)) for task in tasks]
    return published_beside(load_published(config.published_table), compared)


def _kept(
    config: CompareConfig, code: str, child: str, not_run: dict[str, list[str]]
) -> dict[str, list[Task]]:
    """Return by language what shows whether it was forgotten: the anchor's, and other regions'.

    That a child was not asked in another region's language is no gap; in the anchor's it is.
    """
    found: dict[str, list[Task]] = {}
    for language in [config.anchor, *(other for other in config.regions if other != code)]:
        loaded = load_tasks(config, language, child=child, with_baselines=False)
        if language == config.anchor:
            not_run |= loaded.not_run
        if loaded.tasks:
            found[language] = loaded.tasks
    return found


def _is_judged(tasks: Sequence[Task]) -> bool:
    return any(task.judged for task in tasks)


def _folders(config: CompareConfig, child: str) -> dict[str, Path]:
    folders = {"parent": config.parent, "child": child} | {name: name for name in config.baselines}
    return {name: config.generations(folder) for name, folder in folders.items()}


def _expenses(config: CompareConfig, child: str) -> Expenses:
    folders = {"child": child} | {name: name for name in config.baselines}
    return Expenses(
        serving=config.costs,
        prices=load_prices(config.price_table),
        manifests={
            name: read_manifest(config.generations(folder)) for name, folder in folders.items()
        },
    )


def _compared(config: CompareConfig, tasks: Sequence[Task]) -> list[Difference]:
    unasked = unasked_labels(config)
    differences = [
        one for task in tasks for one in compare_task(task, config.statistics, unasked=unasked)
    ]
    settle_words(differences, config.statistics)
    return differences


def _described(
    tasks: Sequence[Task], differences: Sequence[Difference], statistics: StatisticsConfig
) -> list[Json]:
    return [
        describe_task(
            task,
            [one for one in differences if _is_of(one, task)],
            statistics,
        )
        for task in tasks
    ]


def _is_of(difference: Difference, task: Task) -> bool:
    made = difference.task
    return (made.part, made.protocol, made.metric) == (task.part, task.protocol, task.metric)


def _contamination(
    config: CompareConfig, code: str, tasks: Sequence[Task]
) -> dict[str, SuiteHits] | None:
    """Return the compared items in the child's training rows; None where no corpus is named."""
    if code not in config.corpora:
        return None
    compared: dict[str, tuple[Suite, list[Item]]] = {}
    for task in tasks:
        compared.setdefault(task.suite.name, (task.suite, task.items))
    return find_contamination(
        Path(config.corpora[code]), compared, split=config.split, items_root=config.items_folder
    )


def _exact_hits(tasks: Sequence[Task], hits: dict[str, SuiteHits] | None) -> dict[str, int | None]:
    if hits is None:
        return {"all benchmarks": None}
    names = dict.fromkeys(task.suite.name for task in tasks)
    return {name: len(hits[name].exact) for name in names}
