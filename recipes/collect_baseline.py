"""Ask a vendor's model a suite once; what is paid for is kept to compare with."""

import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from ..data.errors import ExitCode
from ..data.manifest import read_manifest
from ..data.progress import say
from ..evaluation.cost import load_prices
from ..evaluation.generations import Generations, Plan, record_again
from ..evaluation.leaving import check_may_leave
from ..evaluation.reply import State
from ..evaluation.spending.artifact import (
    earlier_artifact,
    finish_parts,
    write_canaries,
    write_costs,
)
from ..evaluation.spending.baseline_plan import (
    Asked,
    baseline_folder,
    check_folder,
    num_samples,
    plan_baseline,
    plan_questions,
    vendor_system,
)
from ..evaluation.spending.canary import Canary, canary_questions, canary_rows, load_canaries
from ..evaluation.spending.collect_settings import CollectConfig
from ..evaluation.spending.deprecation import check_retirement, find_retirement
from ..evaluation.spending.engine import Outcome, ask_paid, stop_batches
from ..evaluation.spending.forecast import make_forecast, require_consent
from ..evaluation.spending.journal import JOURNAL_NAME, PaidJournal
from ..evaluation.spending.price import FREE, Price, find_price
from ..evaluation.system import System
from ..evaluation.vendors.build import build_vendor, system_facts
from ..evaluation.vendors.question import Question
from .entry import recipe


@recipe(
    CollectConfig,
    examples=(
        "lokal collect_baseline baseline=openai baseline.model=gpt-5.1 suite=core "
        "languages=[id,hi,tl] only_forecast=true",
        "lokal collect_baseline baseline=anthropic baseline.model=claude-sonnet-5-5 "
        "suite=flores200_from_en languages=[hi] spending.cap_usd=20 confirm_cost=true",
        "lokal collect_baseline baseline=google baseline.model=gemini-3.5-flash "
        "baseline.batch=true suite=sib200 languages=[tl]",
    ),
)
def collect_baseline(config: CollectConfig) -> ExitCode:
    """Collect a vendor's replies to a suite into baselines/<vendor-model-date>."""
    now = datetime.now(UTC)
    system = vendor_system(config)
    folder = baseline_folder(config, now=now)
    check_folder(folder, system)
    plan = plan_baseline(config, system)
    price = _price(config)
    work = _Work(system, folder, plan, plan_questions(plan.parts, config), price, {})
    work = work._replace(canaries=_canaries(config, work, day=folder.name[-10:]))
    known = _known(work)
    _check_end(config, is_new=not known.keys, now=now)
    if config.cancel_batches:
        return _cancel(config, work)
    if not _agree(config, work, known=known):
        return ExitCode.DONE
    with PaidJournal(folder, key=system.key) as journal:
        try:
            outcome = ask_paid(
                build_vendor(config.baseline),
                work.questions,
                journal=journal,
                spending=config.spending,
                price=price,
                limits=config.limits,
                label=system.label,
            )
        finally:
            write_costs(folder, journal, config.baseline, price, now=now)
    return _write(config, work, outcome, now=now)


class _Work(NamedTuple):
    """What a run is about."""

    system: System
    folder: Path
    plan: Plan
    asked: Sequence[Asked]
    price: Price
    canaries: Mapping[str, tuple[Canary, int, Question]]

    @property
    def questions(self) -> list[Question]:
        """Return all questions, each once, the canaries first."""
        canaries = {key: question for key, (_, _, question) in self.canaries.items()}
        own = {one.question.key: one.question for one in self.asked}
        return [*canaries.values(), *own.values()]


def _price(config: CollectConfig) -> Price:
    if config.price.given is not None:
        return config.price.given
    if config.baseline.is_local:
        return FREE
    return find_price(config.baseline.model, load_prices(config.price_table))


def _canaries(
    config: CollectConfig, work: _Work, *, day: str
) -> Mapping[str, tuple[Canary, int, Question]]:
    settings = config.canaries
    if not settings.count or len(work.asked) < settings.min_questions:
        return {}
    return canary_questions(
        load_canaries(settings.count),
        samples=settings.samples,
        system=system_facts(config.baseline),
        day=day,
        min_output_tokens=config.baseline.min_output_tokens,
    )


class _Known(NamedTuple):
    """What earlier runs have had."""

    keys: set[str]
    usd: float
    """Billed, or held for lost replies and open batches."""


def _known(work: _Work) -> _Known:
    """Return what stands in the journal; makes no folder."""
    if not (work.folder / f"{JOURNAL_NAME}.partial").is_file():
        return _Known(set(), 0.0)
    with PaidJournal(work.folder, key=work.system.key) as journal:
        usd = journal.spent_usd + journal.lost_usd + journal.open_usd
        return _Known({*journal.answers(), *journal.rejected()}, usd)


def _check_end(config: CollectConfig, *, is_new: bool, now: datetime) -> None:
    end = find_retirement(config.baseline, table=config.retirement_table)
    if warning := check_retirement(config.baseline.model, end, now=now, is_new=is_new):
        say("collect", warning)


def _agree(config: CollectConfig, work: _Work, *, known: _Known) -> bool:
    """Say what will be asked, and of whom; return whether to go on."""
    questions = [question for question in work.questions if question.key not in known.keys]
    forecast = make_forecast(
        questions,
        system=f"{work.system.label} at {config.baseline.host}",
        price=work.price,
        limits=config.limits,
        num_known=len(work.questions) - len(questions),
        limit_usd=config.spending.limit_usd,
        spent_usd=known.usd,
    )
    leaving = check_may_leave(
        work.plan.parts,
        host=config.baseline.host,
        is_local=config.baseline.is_local,
        accept_pii=config.accept_pii,
    )
    say("collect", f"writes {work.folder}")
    for line in [*_describe(config, work), *forecast.lines(), *leaving.lines()]:
        say("collect", line)
    if config.only_forecast:
        return False
    is_there = sys.stdin.isatty() and sys.stderr.isatty()
    require_consent(
        forecast,
        leaving,
        confirmed_usd=config.confirmed_usd,
        ask=input if is_there else None,
    )
    return True


def _describe(config: CollectConfig, work: _Work) -> list[str]:
    lines = [
        f"{part.name}: {len(part.items):,} items, {num_samples(part, config)} replies each"
        for part in work.plan.parts
    ]
    if work.plan.skipped:
        names = ", ".join(f"{suite}-{language}" for suite, language in work.plan.skipped)
        lines.append(f"left out: {names}")
    if work.canaries:
        lines.append(f"and {len(work.canaries)} canaries, to notice a model that changes")
    else:
        lines.append("without canaries: too few questions, or canaries.count=0")
    return lines


def _cancel(config: CollectConfig, work: _Work) -> ExitCode:
    with PaidJournal(work.folder, key=work.system.key) as journal:
        stop_batches(
            build_vendor(config.baseline),
            journal=journal,
            spending=config.spending,
            price=work.price,
        )
    return ExitCode.PARTIAL


def _write(config: CollectConfig, work: _Work, outcome: Outcome, *, now: datetime) -> ExitCode:
    """Finish what is complete; return whether all of it is."""
    earlier = config.canaries.earlier
    before = Path(earlier) if earlier else earlier_artifact(work.folder, stem=work.system.name)
    write_canaries(work.folder, canary_rows(work.canaries, outcome.answers), earlier=before)
    generations = Generations.open(work.folder, work.system, overwrite=False)
    missing = {part.name for part in generations.missing(work.plan.parts, overwrite=False)}
    asked = [one for one in work.asked if one.part.name in missing]
    left = finish_parts(generations, asked, answers=outcome.answers, rejected=outcome.rejected)
    manifest = read_manifest(work.folder)
    if manifest is not None:
        record_again(work.folder, manifest, finished_at=now)
    _report(work, outcome, left)
    if outcome.open or outcome.rejected:
        return ExitCode.PARTIAL
    return ExitCode.DONE


def _report(work: _Work, outcome: Outcome, left: Sequence[str]) -> None:
    strangers = sum(answer.state is State.wrong_model for answer in outcome.answers.values())
    held = f", {outcome.held_usd:.4f} held for lost replies" if outcome.held_usd else ""
    say(
        "collect",
        f"{len(outcome.answers):,} answers, {len(outcome.rejected)} rejected, "
        f"{len(outcome.open):,} open, {strangers} of another model; "
        f"spent {outcome.spent_usd:.4f} USD{held}",
    )
    if left:
        say("collect", f"not finished: {', '.join(left)}: run the same command to go on")
    else:
        say("collect", f"compare: lokal evaluate frozen={work.folder} ...; seal: lokal freeze")


if __name__ == "__main__":
    sys.exit(collect_baseline.main())
