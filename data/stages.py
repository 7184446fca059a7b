"""The stages of ``lokal prepare``: which step follows which, and what passes between them."""

from collections.abc import Sequence
from pathlib import Path

from datatrove.pipeline.base import PipelineStep

from .plan import CorpusPlan, own_deny_lists
from .stage import Stage
from .steps.count_lines import CountLines
from .steps.decontaminate import Decontaminate
from .steps.drop_boilerplate import DropBoilerplate
from .steps.find_clusters import FindClusters
from .steps.find_pairs import FindPairs
from .steps.language_gate import LanguageGate
from .steps.make_messages import MakeMessages
from .steps.markup import Markup
from .steps.merge_lines import MergeLines
from .steps.normalise import Normalise
from .steps.pii import MaskPii
from .steps.preference_gate import PreferenceGate
from .steps.quality_gate import QualityGate
from .steps.read_part import ReadPart
from .steps.read_source import ReadSource
from .steps.script_gate import ScriptGate
from .steps.sign_rows import SignRows
from .steps.split_clusters import SplitClusters
from .steps.write_corpus import WriteCorpus
from .steps.write_part import WritePart

DENY_LIST = "corpus/denylist"
"""Folder below the work folder with the hashes of the held items; it stays with the corpus."""


def list_stages(plan: CorpusPlan, work: Path) -> list[Stage]:
    """Return the stages in order; all of them read and write below the work folder only."""
    num_parts = len(plan.parts)
    return [
        Stage(
            name="read",
            steps=_read_steps(plan, work),
            num_tasks=num_parts,
            meters=work / "meters" / "read",
            size_bytes=plan.size_bytes,
        ),
        Stage(
            name="lines", steps=[MergeLines(work / "lines", plan.config.boilerplate)], num_tasks=1
        ),
        Stage(
            name="gates",
            steps=[
                ReadPart(work / "read", meters=work / "meters" / "gates"),
                *gate_steps(plan, work),
                SignRows(work / "dedup", plan.config.dedup),
                WritePart(work / "gates"),
            ],
            num_tasks=num_parts,
            meters=work / "meters" / "gates",
            reads=work / "read",
        ),
        Stage(
            name="pairs",
            steps=[FindPairs(work / "dedup", plan.config.dedup, num_parts=num_parts)],
            num_tasks=plan.config.dedup.num_bands,
        ),
        Stage(
            name="clusters",
            steps=[FindClusters(work / "dedup", plan.config.dedup, num_parts=num_parts)],
            num_tasks=1,
        ),
        Stage(
            name="write",
            steps=[
                ReadPart(work / "gates", meters=work / "meters" / "write"),
                SplitClusters(
                    work / "dedup",
                    heldout_share=plan.config.heldout_share,
                    seed=plan.config.seed,
                ),
                WriteCorpus(work / "corpus", counts=work / "counts"),
            ],
            num_tasks=num_parts,
            meters=work / "meters" / "write",
            reads=work / "gates",
        ),
    ]


def _read_steps(plan: CorpusPlan, work: Path) -> Sequence[PipelineStep]:
    return [
        ReadSource(
            plan.parts,
            region=plan.region,
            meters=work / "meters" / "read",
            corpus=plan.corpus,
        ),
        Normalise(),
        Markup(plan.config.markup),
        CountLines(work / "lines"),
        WritePart(work / "read"),
    ]


def gate_steps(plan: CorpusPlan, work: Path) -> list[PipelineStep]:
    """Return the steps that judge single rows, in order; the benchmark times these too."""
    config, region = plan.config, plan.region
    return [
        DropBoilerplate(work / "lines"),
        ScriptGate(region, config.language),
        LanguageGate(region, config.language),
        QualityGate(region, config.quality),
        Decontaminate([work / DENY_LIST, *own_deny_lists(config)]),
        MaskPii(region, action=config.pii.action),
        MakeMessages(
            region,
            sources={part.source_name: part.source for part in plan.parts},
            seed=config.seed,
        ),
        PreferenceGate(region, config.language),
    ]
