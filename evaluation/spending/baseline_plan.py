"""What is asked of a vendor for a suite: which folder, which system, which questions."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from ...data.errors import UserError
from ...data.manifest import Json, read_manifest, sha256_of_json
from ..generations import Part, Plan, plan_parts
from ..item import Item
from ..option_order import add_orders
from ..reply_plan import longest_reply
from ..settings import AnswersConfig
from ..system import Kind, System
from ..vendors.build import system_facts
from ..vendors.question import Question, question_key
from .collect_settings import CollectConfig
from .journal import JOURNAL_NAME


class Asked(NamedTuple):
    """One reply that is to be had."""

    part: Part
    item: Item
    sample: int
    question: Question


def vendor_system(config: CollectConfig) -> System:
    """Return the system that is asked; its key holds all that the answers depend on."""
    asked = system_facts(config.baseline)
    return System(
        name=config.baseline.name,
        kind=Kind.vendor,
        label=config.baseline.label or config.baseline.model,
        licence=config.baseline.licence,
        key=sha256_of_json({"vendor": asked, "answers": asdict(config.answers)}),
        vendor={**asked, "source": config.baseline.source, "host": config.baseline.host},
    )


def baseline_folder(config: CollectConfig, *, now: datetime) -> Path:
    """Return the folder: the given day's, else that of an unfinished run, else today's.

    A run that goes on after midnight must not begin, and pay, anew.
    """
    root = Path(config.root).resolve()
    stem = config.baseline.name
    if config.day:
        return root / f"{stem}-{config.day}"
    days = "[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]"
    open_ones = [
        path
        for path in sorted(root.glob(f"{stem}-{days}"))
        if (path / f"{JOURNAL_NAME}.partial").is_file()
    ]
    return open_ones[-1] if open_ones else root / f"{stem}-{now.astimezone(UTC).date()}"


def check_folder(folder: Path, system: System) -> None:
    """Refuse a folder that is sealed or holds another system's replies.

    Raises:
        UserError: with what to do instead.
    """
    if (folder / JOURNAL_NAME).is_file():
        raise UserError(
            f"{folder} is sealed, nothing more is collected into it: give another day=..., or "
            f"compare with it: lokal evaluate frozen={folder}"
        )
    manifest = read_manifest(folder)
    if manifest is not None and manifest.key != system.key:
        raise UserError(
            f"{folder} was collected with other settings (model, effort, samples or length): "
            "give those again, or another day=... or root=..."
        )


def plan_baseline(config: CollectConfig, system: System) -> Plan:
    """Return the parts that can be asked, with what is left out.

    Raises:
        UserError: nothing can be asked.
    """
    plan = plan_parts(
        system,
        config.suite,
        split=config.split,
        languages=config.languages,
        items_root=config.items_folder,
        skip_missing=config.skip_missing,
    )
    parts = add_orders(plan.parts, option_orders=config.option_orders)
    asked = [part for part in parts if part.suite.is_generated]
    left_out = [part for part in parts if not part.suite.is_generated]
    if not asked:
        names = ", ".join(part.name for part in left_out)
        raise UserError(f"{names}: log-likelihood only, which no vendor tells: take another suite")
    skipped = [(part.suite.name, part.language) for part in left_out]
    return Plan(asked, [*plan.skipped, *skipped])


def num_samples(part: Part, config: CollectConfig) -> int:
    """Return how many replies each item of a part gets."""
    is_choice = any(item.choices for item in part.items[:1])
    return config.answers.samples_choice if is_choice else config.answers.samples_open


def plan_questions(parts: Sequence[Part], config: CollectConfig) -> list[Asked]:
    """Return one question for each item and sample, in the order of the parts."""
    facts = system_facts(config.baseline)
    return [asked for part in parts for asked in _of_part(part, config, facts)]


def _of_part(part: Part, config: CollectConfig, facts: dict[str, Json]) -> Iterator[Asked]:
    answers = AnswersConfig(max_new_tokens=config.answers.max_new_tokens, batch_tokens=1)
    max_tokens = config.baseline.longest_output(longest_reply(part.suite, answers))
    for item in part.items:
        for sample in range(num_samples(part, config)):
            # Not the part's name: an item of quick and of core is one question, paid once.
            parameters: dict[str, Json] = {
                "suite": part.suite.name,
                "split": part.split,
                "item": item.id,
                "language": item.language,
                "sample": sample,
                "max_tokens": max_tokens,
            }
            key = question_key(facts, item.messages, parameters)
            question = Question(key, item.messages, max_tokens, item.language, sample=sample)
            yield Asked(part, item, sample, question)
