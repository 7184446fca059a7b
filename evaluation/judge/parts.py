"""The finished replies of a run that are judged, suite by suite and language by language."""

from collections.abc import Iterator
from typing import NamedTuple

from ...data.errors import UserError
from ...data.manifest import require_whole
from ...data.suite import MissingItems, Suite, expand_suite
from ..generations import part_name, require_asked_from
from ..item import Item
from ..items import find_items, read_items
from .judged import Candidate, Key, read_candidates
from .settings import JudgeConfig

_OPEN = "open"


class JudgedPart(NamedTuple):
    """One suite in one language, with the replies of all systems."""

    suite: Suite
    language: str
    items: list[Item]
    candidates: dict[str, dict[Key, Candidate]]
    """By system, in the order of the settings."""

    @property
    def num_samples(self) -> int:
        """Return how many replies an item could have: the most that a system gave to one."""
        samples = [sample for several in self.candidates.values() for _, sample in several]
        return max(samples, default=0) + 1


def read_parts(config: JudgeConfig) -> list[JudgedPart]:
    """Return what is judged.

    Raises:
        UserError: a system has not finished a part, its replies are damaged or to other items, or
            nothing of the suite is written freely.
    """
    parts = [part for suite, limit in _suites(config) for part in _read(config, suite, limit)]
    if not parts:
        raise UserError(
            f"suite {config.suite.name} has no items in {', '.join(config.languages)} to judge"
        )
    return parts


def _suites(config: JudgeConfig) -> list[tuple[Suite, int]]:
    found = [
        (suite, limit)
        for suite, limit in expand_suite(config.suite)
        if suite.is_generated and (suite.format == _OPEN or not config.suite.members)
    ]
    if not found:
        raise UserError(
            f"suite {config.suite.name} has no open questions: take suite=scenarios, or another "
            "whose replies are written"
        )
    return found


def _read(config: JudgeConfig, suite: Suite, limit: int) -> Iterator[JudgedPart]:
    for language in config.languages:
        try:
            path = find_items(
                suite, split=config.split, language=language, items_root=config.items_folder
            )
        except MissingItems:
            if not config.suite.members:
                raise
            continue  # of a choice of suites, a language may lack one
        items = read_items(
            suite,
            split=config.split,
            language=language,
            items_root=config.items_folder,
            limit=limit,
        )
        name = part_name(suite.name, split=config.split, language=language, limit=limit)
        candidates: dict[str, dict[Key, Candidate]] = {}
        for system in config.systems_in(language):
            manifest = require_whole(config.generations(system))
            if name not in manifest.parts:
                raise UserError(
                    f"{system} has not answered {name}: run lokal evaluate name={config.name} "
                    f"system={system} suite={config.suite.name} languages=[{language}] first"
                )
            require_asked_from(path, manifest, part=name)
            replies = config.generations(system) / f"{name}.jsonl"
            candidates[system] = read_candidates(replies, items, system=system)
        yield JudgedPart(suite, language, items, candidates)
