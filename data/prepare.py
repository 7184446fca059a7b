"""Makes one region's corpus: gates over every part, then one pass that dedups and splits."""

import json
import shutil
from datetime import UTC, datetime
from pathlib import Path

from .card import corpus_card
from .config import as_json
from .engine import run_pipeline
from .errors import UserError
from .funnel import most_dropped
from .manifest import Json, sync_folder, write_json, write_manifest, write_text
from .meter import show_meters
from .plan import CorpusPlan
from .steps.decontaminate import Decontaminate
from .steps.deduplicate import Deduplicate
from .steps.language_gate import LanguageGate
from .steps.make_messages import MakeMessages
from .steps.normalise import Normalise
from .steps.read_parts import ReadParts
from .steps.read_source import ReadSource
from .steps.script_gate import ScriptGate
from .steps.write_corpus import WriteCorpus
from .steps.write_part import WritePart


def make_corpus(plan: CorpusPlan) -> dict[str, Json]:
    """Make the corpus in a folder of its own, move it to its place whole, and return its counts.

    A run that was killed goes on behind the last finished part.

    Raises:
        UserError: a broken source, or one without a row that passes.
    """
    started_at = datetime.now(UTC)
    work = _work_folder(plan)
    _gate_parts(plan, work)
    counts = _write_corpus(plan, work)
    corpus = work / "corpus"
    write_json(corpus / "funnel.json", {"region": plan.region.code, **counts})
    write_text(corpus / "card.md", corpus_card(plan, counts))
    write_manifest(
        corpus,
        recipe="prepare",
        key=plan.key,
        config=as_json(plan.config),
        inputs=plan.inputs,
        started_at=started_at,
        finished_at=datetime.now(UTC),
        counts=counts,
        licences=[part.source.licence for part in plan.parts],
        seeds={"heldout": plan.config.seed},
    )
    _move_in_place(plan, work)
    return counts


def _work_folder(plan: CorpusPlan) -> Path:
    """Return the hidden folder beside the corpus; what another plan left there is removed."""
    work = plan.folder.with_name(f".{plan.folder.name}.tmp")
    key = work / "key"
    if not key.is_file() or key.read_text(encoding="ascii") != plan.key:
        shutil.rmtree(work, ignore_errors=True)
        work.mkdir(parents=True)
        write_text(key, plan.key)
    return work


def _gate_parts(plan: CorpusPlan, work: Path) -> None:
    config, region, meters = plan.config, plan.region, work / "meters" / "gates"
    suites = {part.source_name: part.source.suite for part in plan.parts}
    steps = [
        ReadSource(plan.parts, region=region, meters=meters),
        Normalise(),
        ScriptGate(region.scripts, min_share=config.min_script_share),
        LanguageGate(region, min_own_share=config.min_own_share),
        Decontaminate(config.decontaminate),
        MakeMessages(region, suites={name: suite for name, suite in suites.items() if suite}),
        WritePart(work / "parts"),
    ]
    with show_meters(meters, total_bytes=plan.size_bytes, label=f"gates {region.code}"):
        run_pipeline(
            steps,
            num_tasks=len(plan.parts),
            num_workers=plan.num_workers,
            log_folder=work / "logs" / "gates",
        )


def _write_corpus(plan: CorpusPlan, work: Path) -> dict[str, Json]:
    for name in ("corpus", "logs/corpus", "meters/corpus"):  # this pass starts anew after a kill
        shutil.rmtree(work / name, ignore_errors=True)
    config, meters, counts_file = plan.config, work / "meters" / "corpus", work / "counts.json"
    steps = [
        ReadParts(work / "parts", meters=meters),
        Deduplicate(),
        WriteCorpus(
            work / "corpus",
            counts=counts_file,
            heldout_share=config.heldout_share,
            seed=config.seed,
        ),
    ]
    num_bytes = sum(file.stat().st_size for file in (work / "parts").iterdir())
    with show_meters(meters, total_bytes=num_bytes, label=f"corpus {plan.region.code}"):
        run_pipeline(steps, num_tasks=1, num_workers=1, log_folder=work / "logs" / "corpus")
    counts = json.loads(counts_file.read_text(encoding="utf-8"))
    if counts["train_rows"] == 0:
        raise UserError(
            f"corpus {plan.corpus.name} has no row left for {plan.region.code}: of "
            f"{counts['rows_read']} rows most were dropped by {most_dropped(counts)}"
        )
    return counts


def _move_in_place(plan: CorpusPlan, work: Path) -> None:
    """Keep datatrove's logs in the run's folder, then replace what is there by the corpus."""
    logs = plan.run_folder / "logs" / f"prepare-{plan.region.code}"
    shutil.rmtree(logs, ignore_errors=True)
    logs.parent.mkdir(parents=True, exist_ok=True)
    (work / "logs").rename(logs)
    shutil.rmtree(plan.folder, ignore_errors=True)
    (work / "corpus").rename(plan.folder)
    sync_folder(plan.folder.parent)
    shutil.rmtree(work)
