"""A plan's memory beside what other projects have published for the same settings.

Run: python benchmarks/plan_published.py [dry]. With dry, the dry build stands beside the formulas
(a minute or more a row).
"""

import sys
from pathlib import Path
from typing import Any, NamedTuple

import yaml
from lokal.cluster.plan.dry_build import dry_memory
from lokal.cluster.plan.estimate import estimate_memory
from lokal.cluster.plan.job import PlannedJob
from lokal.cluster.plan.shapes import ModelShape
from lokal.data.hardware import Precision
from lokal.data.stage_kind import StageKind
from lokal.training.settings import (
    AttentionKind,
    MethodConfig,
    MethodKind,
    Recompute,
    Stack,
    StrategyConfig,
    StrategyKind,
)

_FILE = Path(__file__).parent / "published_memory.yaml"
_GIB = 2**30
_LIBRARIES_BYTES = 1.0e9
"""In a plan's margin, and not in what PyTorch's allocator counts."""
_TARGETS = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]


class Published(NamedTuple):
    """A figure, and the job whose plan is to be the same."""

    source: str
    gib: float
    is_whole_gpu: bool
    job: PlannedJob
    what: str
    unlike: str


def read_published() -> list[Published]:
    """Return every figure of the file."""
    content: Any = yaml.safe_load(_FILE.read_text(encoding="utf-8"))
    return [_published(figure, content["shapes"][figure["shape"]]) for figure in content["figures"]]


def planned_gib(published: Published) -> float:
    """Return what the formulas say to the same question."""
    total = estimate_memory(published.job).total
    return (total if published.is_whole_gpu else total - _LIBRARIES_BYTES) / _GIB


def main() -> None:
    """Print the table."""
    with_dry = sys.argv[1:] == ["dry"]
    print("| published by | settings | theirs, GiB | formula | ratio | dry build | what differs |")
    print("|---|---|--:|--:|--:|--:|---|")
    for published in read_published():
        planned = planned_gib(published)
        dry = f"{dry_memory(published.job).total / _GIB:.1f}" if with_dry else ""
        print(
            f"| {published.source} | {published.what} | {published.gib:.1f} | {planned:.1f} | "
            f"{planned / published.gib:.2f} | {dry} | {published.unlike} |",
            flush=True,
        )


def _published(figure: dict[str, Any], shape: dict[str, int]) -> Published:
    kind = MethodKind[figure["method"]]
    strategy = StrategyKind[figure.get("strategy", "fsdp")]
    rows, tokens, ranks = figure["rows"], figure["tokens"], figure["world_size"]
    offload = bool(figure.get("offload", False))
    precision = Precision[figure.get("precision", "bf16")]
    recompute = Recompute[figure.get("recompute", "none")]
    targets = [name for name in _TARGETS if name != figure.get("without")]
    job = PlannedJob(
        shape=ModelShape(**shape, is_tied=False),
        stack=Stack.hf,
        method=MethodConfig(
            kind=kind,
            rank=figure.get("rank", 16),
            targets=[] if kind is MethodKind.full else targets,
        ),
        strategy=StrategyConfig(kind=strategy, cpu_offload=offload),
        stage=StageKind.sft,
        world_size=ranks,
        on_gpu=True,
        precision=precision,
        row_tokens=tokens,
        micro_rows=rows,
        rows_per_step=rows * ranks,
        is_packed=False,  # theirs have no mask: one document a row
        attention=AttentionKind.sdpa,
        fused=False,
        recompute=recompute,
    )
    words = [figure["shape"], f"{kind.name} {strategy.name} on {ranks}", f"{rows} x {tokens}"]
    words += [f"recompute {recompute.name}"] if recompute is not Recompute.none else []
    words += ["offload"] if offload else []
    words += [precision.name] if precision is not Precision.bf16 else []
    gib = figure["gib"] if "gib" in figure else figure["gb"] * 1e9 / _GIB
    return Published(
        source=figure["source"],
        gib=gib,
        is_whole_gpu=figure.get("counts") == "gpu",
        job=job,
        what=", ".join(words),
        unlike=figure["unlike"],
    )


if __name__ == "__main__":
    main()
