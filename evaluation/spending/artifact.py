"""From the paid journal to an artifact's files: replies, raw ones, costs, canaries, the seal."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from ...data.cost_ledger import CostEntry, CostKind, append_cost, read_costs
from ...data.errors import UserError
from ...data.manifest import Json, read_manifest, write_json, write_text
from ...data.progress import say
from ..finish import finish_part
from ..generations import Generations, added_damage, asked_sha256, record_again
from ..reply import Reply, State
from ..reply_plan import reply_name
from ..vendors.question import Answer, Usage
from ..vendors.settings import VendorConfig
from .baseline_plan import Asked
from .canary import CANARIES_NAME, CanaryRow, find_drift, read_rows, rows_text
from .journal import JOURNAL_NAME, PaidJournal
from .price import Price

DRIFT_NAME = "drift.json"
SEAL_NAME = "seal.json"
_WORST_COVERAGE = 0.98
"""Below this share of replies a comparison decides nothing; worth saying when it is sealed."""


def finish_parts(
    generations: Generations,
    asked: Sequence[Asked],
    *,
    answers: Mapping[str, Answer],
    rejected: Mapping[str, str],
) -> list[str]:
    """Write the parts of which every question has an end; return the names of the others."""
    by_part: dict[str, list[Asked]] = {}
    for one in asked:
        by_part.setdefault(one.part.name, []).append(one)
    left: list[str] = []
    for name, own in by_part.items():
        missing = sum(one.question.key not in {*answers, *rejected} for one in own)
        if missing:
            left.append(f"{name} ({missing} of {len(own)} open)")
            continue
        _write_raw(generations.folder, own, answers=answers, rejected=rejected)
        rows = {
            reply_name(one.item, one.sample): {
                "reply": asdict(_reply(one, answers, system=generations.system.name))
            }
            for one in own
        }
        finish_part(generations, own[0].part, rows=rows, counts=_counts(own, answers))
        say("collect", f"wrote {generations.file(own[0].part)}")
    return left


def _reply(one: Asked, answers: Mapping[str, Answer], *, system: str) -> Reply:
    answer = answers.get(one.question.key) or Answer("", State.error, "", None)
    return Reply(
        id=one.item.id,
        language=one.item.language,
        suite=one.part.suite.name,
        split=one.part.split,
        system=system,
        prompt_sha256=asked_sha256(one.item),
        reply=answer.text,
        state=answer.state,
        sample=one.sample,
        num_tokens=answer.usage.output_tokens if answer.usage else None,
    )


def _counts(own: Sequence[Asked], answers: Mapping[str, Answer]) -> dict[str, Json]:
    found = [answers[one.question.key] for one in own if one.question.key in answers]
    usages = [answer.usage or Usage(0, 0) for answer in found]
    models: dict[str, Json] = dict(sorted(Counter(answer.model for answer in found).items()))
    return {
        "items": len(own),
        "samples": 1 + max(one.sample for one in own),
        "prompt_tokens": sum(usage.input_tokens for usage in usages),
        "cached_tokens": sum(usage.cached_tokens for usage in usages),
        "reply_tokens": sum(usage.output_tokens for usage in usages),
        "reasoning_tokens": sum(usage.reasoning_tokens for usage in usages),
        "returned_models": models,
    }


def _write_raw(
    folder: Path,
    own: Sequence[Asked],
    *,
    answers: Mapping[str, Answer],
    rejected: Mapping[str, str],
) -> None:
    """Write every reply as it came, one a line in the order of the items."""
    lines: list[str] = []
    for one in own:
        answer = answers.get(one.question.key)
        row: dict[str, Json] = {
            "id": one.item.id,
            "sample": one.sample,
            "key": one.question.key,
            "state": str(answer.state if answer else State.error),
            "returned_model": answer.model if answer else "",
            "request_id": answer.request_id if answer else "",
            "usage": dict(answer.usage._asdict()) if answer and answer.usage else None,
            "rejected": rejected.get(one.question.key),
            "raw": dict(answer.raw) if answer else None,
        }
        lines.append(json.dumps(row, ensure_ascii=False) + "\n")
    path = folder / "raw" / f"{own[0].part.name}.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    write_text(path, "".join(lines))


def write_costs(
    folder: Path, journal: PaidJournal, config: VendorConfig, price: Price, *, now: datetime
) -> None:
    """Bring the folder's ledger up to the journal: one running total a language."""
    known = {entry.id: entry.questions for entry in read_costs(folder)}
    for language, spent in journal.spent_by_language().items():
        name = f"{folder.name}:{language}"
        if known.get(name) == spent.questions:
            continue
        append_cost(
            folder,
            CostEntry(
                kind=CostKind.api,
                what="collect_baseline",
                at=now.isoformat(timespec="seconds"),
                id=name,
                system=config.name,
                vendor=str(config.vendor),
                model=config.model,
                language=language,
                questions=spent.questions,
                input_tokens=spent.input_tokens,
                cached_tokens=spent.cached_tokens,
                output_tokens=spent.output_tokens,
                reasoning_tokens=spent.reasoning_tokens,
                usd=round(spent.usd, 9),
                price_as_of=price.as_of,
            ),
        )


def write_canaries(folder: Path, rows: Sequence[CanaryRow], *, earlier: Path | None) -> list[str]:
    """Write the canaries and how they differ from an earlier run's; return the alarms."""
    if not rows:
        return []
    write_text(folder / CANARIES_NAME, rows_text(rows))
    before = read_rows(earlier) if earlier is not None else []
    if earlier is None or not before:
        return []
    drift = find_drift(before, rows)
    write_json(folder / DRIFT_NAME, {"earlier": earlier.name, **drift.facts()})
    for alarm in drift.alarms:
        say("collect", f"ALARM, the model seems to have changed since {earlier.name}: {alarm}")
    return drift.alarms


def earlier_artifact(folder: Path, *, stem: str) -> Path | None:
    """Return the newest other artifact of the same model that has canaries."""
    found = [
        path.parent
        for path in sorted(folder.parent.glob(f"{stem}-????-??-??/{CANARIES_NAME}"))
        if path.parent.name < folder.name
    ]
    return found[-1] if found else None


def seal(folder: Path, *, now: datetime) -> None:
    """Make an artifact final: everything hashed, nothing open. A kill in between is made good.

    Raises:
        UserError: it is unfinished, damaged, being written, or has requests on their way.
    """
    manifest = read_manifest(folder)
    if manifest is None or manifest.config.get("kind") != "vendor":
        raise UserError(f"{folder} has no part that collect_baseline finished: run it first")
    if damage := added_damage(folder, manifest):
        raise UserError(f"{damage[0]}: restore it from a copy, then freeze again")
    if any(record.path == SEAL_NAME for record in manifest.outputs):
        raise UserError(f"{folder} is sealed already: compare with it by frozen={folder}")
    if not (folder / JOURNAL_NAME).is_file():
        with PaidJournal(folder, key=manifest.key) as journal:
            if journal.num_open:
                raise UserError(
                    f"{journal.num_open} questions of {folder} are on their way in batches: run "
                    "collect_baseline to its end, or with cancel_batches=true"
                )
            when = now.astimezone(UTC).isoformat(timespec="seconds")
            facts = {"sealed_at": when, **_seal_facts(journal, manifest.counts)}
            write_json(folder / SEAL_NAME, facts)
            journal.seal()
    record_again(folder, manifest, finished_at=now)


def _seal_facts(journal: PaidJournal, counts: Mapping[str, Json]) -> dict[str, Json]:
    parts: dict[str, Json] = {}
    for name, count in counts.items():
        states = count.get("states") if isinstance(count, dict) else None
        if not isinstance(states, dict):
            continue
        number = sum(int(str(value)) for value in states.values())
        bad = sum(int(str(states.get(state, 0))) for state in (State.error, State.wrong_model))
        coverage = (number - bad) / number if number else 0.0
        parts[name] = {"states": states, "coverage": round(coverage, 6)}
        if coverage < _WORST_COVERAGE:
            say("freeze", f"{name}: only {coverage:.1%} of the replies can be scored")
    return {
        "parts": parts,
        "answers": len(journal.answers()),
        "rejected": len(journal.rejected()),
        "open": journal.num_open,
        "lost_replies": journal.num_lost,
        "spent_usd": round(journal.spent_usd, 9),
        "held_usd": round(journal.lost_usd, 9),
    }
