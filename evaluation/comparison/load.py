"""Which benchmarks of a run both sides have finished, and their replies."""

import typing
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ...data.errors import UserError
from ...data.manifest import read_manifest
from ...data.suite import Likelihood, MissingItems, Suite, expand_suite
from ..formats.format import load_format
from ..generations import part_name, require_asked_from
from ..item import Item
from ..items import find_items, read_items
from .column import Column, Score, read_generated, read_likelihoods
from .judged import with_judged_values
from .task import Protocol, Task

METRICS = {
    "label": "accuracy",
    "choice": "accuracy",
    "span": "word F1",
    "summary": "ROUGE-L",
    "translation": "chrF++",
    "instruction": "followed",
    "short_answer": "accuracy",
    "safety": "as it should be",
}
"""What a format's values are called; ``score`` for any other."""


@dataclass(slots=True)
class Loaded:
    """The tasks of one language, and what could not be compared."""

    tasks: list[Task] = field(default_factory=list)
    not_run: dict[str, list[str]] = field(default_factory=dict)
    """Names of benchmarks by what is missing: ``child-id in en``."""

    def note(self, suite: Suite, missing: str, *, language: str) -> None:
        """Note that a benchmark cannot be compared for this reason."""
        self.not_run.setdefault(f"{missing} in {language}", []).append(suite.name)


class RunOfReplies(typing.Protocol):
    """Where the replies of a run lie, and to which items they are."""

    @property
    def suite(self) -> Suite:
        """Return the benchmark, or a choice of several."""
        ...

    @property
    def split(self) -> str:
        """Return the items' split."""
        ...

    @property
    def skip_missing(self) -> bool:
        """Return whether benchmarks whose items are not there are listed and left out."""
        ...

    @property
    def parent(self) -> str:
        """Return the name of the parent's folder."""
        ...

    @property
    def baselines(self) -> list[str]:
        """Return the names of the other systems' folders."""
        ...

    @property
    def items_folder(self) -> Path | None:
        """Return the user's folder of benchmarks."""
        ...

    def generations(self, system: str) -> Path:
        """Return the folder of one system's replies."""
        ...


def load_tasks(
    config: RunOfReplies, language: str, *, child: str, with_baselines: bool = True
) -> Loaded:
    """Return the tasks in one language that parent and child have both finished.

    Raises:
        UserError: items are missing or have changed since they were asked, or a file is broken.
    """
    baselines = config.baselines if with_baselines else []
    folders = {"parent": config.parent, "child": child} | {name: name for name in baselines}
    found = {name: read_manifest(config.generations(folder)) for name, folder in folders.items()}
    manifests = {name: manifest for name, manifest in found.items() if manifest is not None}
    loaded = Loaded()
    for suite, limit in expand_suite(config.suite):
        part = part_name(suite.name, split=config.split, language=language, limit=limit)
        have = [name for name, manifest in manifests.items() if part in manifest.parts]
        lacking = [name for name in ("parent", "child") if name not in have]
        if lacking:
            if len(lacking) == 1 or _has_items(config, suite, language):
                missing = " and ".join(folders[name] for name in lacking)
                loaded.note(suite, missing, language=language)
            continue
        items = _read(config, suite, language, limit=limit, loaded=loaded)
        if items is None:
            continue
        path = find_items(
            suite, split=config.split, language=language, items_root=config.items_folder
        )
        for name in have:
            require_asked_from(path, manifests[name], part=part)
        places = {name: config.generations(folders[name]) / part for name in have}
        loaded.tasks += _tasks(suite, language, items, places, part=part)
        for name in baselines:
            if name not in have:
                loaded.note(suite, name, language=language)
    return loaded


def _has_items(config: RunOfReplies, suite: Suite, language: str) -> bool:
    try:
        find_items(suite, split=config.split, language=language, items_root=config.items_folder)
    except UserError:
        return False
    return True


def _read(
    config: RunOfReplies, suite: Suite, language: str, *, limit: int, loaded: Loaded
) -> list[Item] | None:
    """Return the items; None where they are not there and that is allowed."""
    try:
        return read_items(
            suite,
            split=config.split,
            language=language,
            items_root=config.items_folder,
            limit=limit,
        )
    except MissingItems as error:
        if not config.skip_missing:
            raise UserError(f"{error}; or skip_missing=true to go on without") from error
        loaded.note(suite, "items that are not there", language=language)
        return None


def _tasks(
    suite: Suite,
    language: str,
    items: list[Item],
    places: Mapping[str, Path],
    *,
    part: str,
) -> Iterator[Task]:
    """Yield the task of each protocol that parent and child were both asked by."""
    adapter = load_format(suite)

    def files(ending: str) -> dict[str, Path]:
        found = {name: path.with_name(path.name + ending) for name, path in places.items()}
        return {name: path for name, path in found.items() if path.is_file()}

    def task(
        protocol: Protocol, metric: str, columns: dict[str, Column], *, is_main: bool = True
    ) -> Task:
        return Task(
            part=part,
            suite=suite,
            language=language,
            protocol=protocol,
            metric=metric,
            items=items,
            columns=columns,
            corpus=adapter.corpus if protocol is Protocol.generate else None,
            is_main=is_main,
        )

    written = files(".jsonl")
    if suite.is_generated and _both(written):
        columns = {name: read_generated(path, items, adapter) for name, path in written.items()}
        made = task(Protocol.generate, METRICS.get(suite.format, "score"), columns)
        yield made if made.is_scored else with_judged_values(made, places)
    likely = files(".loglikelihood.jsonl")
    if suite.likelihood is not Likelihood.none and _both(likely):
        is_text = suite.likelihood is Likelihood.texts
        for score in (Score.plain, Score.by_character) if is_text else (Score.closed,):
            columns = {name: read_likelihoods(path, items, score) for name, path in likely.items()}
            metric = score.value if is_text else "accuracy"
            yield task(
                Protocol.loglikelihood, metric, columns, is_main=score is not Score.by_character
            )


def _both(files: Mapping[str, Path]) -> bool:
    return "parent" in files and "child" in files
