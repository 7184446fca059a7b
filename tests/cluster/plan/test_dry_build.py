"""The dry build: the same parts as the formulas, and the same peak as a real step."""

from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import torch
from lokal.cluster.plan.compare import comparison_lines, nearest_moment
from lokal.cluster.plan.dry_build import dry_memory, why_no_dry_build
from lokal.cluster.plan.estimate import step_moments
from lokal.cluster.plan.job import PlannedJob
from lokal.cluster.plan.memory import MemoryParts
from lokal.cluster.plan.shapes import KNOWN, ModelShape, read_model_shape
from lokal.data.batches import Batch
from lokal.data.errors import RunError, UserError
from lokal.data.hardware import Precision
from lokal.data.stage_kind import StageKind
from lokal.training.kernels import PLAIN
from lokal.training.settings import (
    AttentionKind,
    MethodConfig,
    MethodKind,
    Recompute,
    Stack,
    StrategyConfig,
    StrategyKind,
    TrainingConfig,
)
from lokal.training.stack import load_model
from lokal.training.strategy import SingleStrategy
from torch.profiler import ProfilerActivity, profile

ALL_LINEAR = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
SMALL = ModelShape(
    hidden=256,
    intermediate=512,
    layers=2,
    heads=4,
    kv_heads=2,
    head_size=64,
    vocabulary=1024,
    is_tied=False,
    max_positions=512,
)


def make_job(method: MethodKind, strategy: StrategyKind, *, world_size: int) -> PlannedJob:
    """Return a job of two rows a rank on GPUs."""
    targets = [] if method is MethodKind.full else ALL_LINEAR
    return PlannedJob(
        shape=SMALL,
        stack=Stack.hf,
        method=MethodConfig(kind=method, rank=8, targets=targets),
        strategy=StrategyConfig(kind=strategy),
        stage=StageKind.sft,
        world_size=world_size,
        on_gpu=True,
        precision=Precision.bf16,
        row_tokens=256,
        micro_rows=2,
        rows_per_step=2 * world_size,
        is_packed=False,
        attention=AttentionKind.sdpa,
        fused=False,
        recompute=Recompute.none,
    )


def proof_job(size: str, method: MethodKind, *, world_size: int) -> PlannedJob:
    """Return one row of 2,048 tokens a rank, layers computed again."""
    return replace(
        make_job(method, StrategyKind.fsdp, world_size=world_size),
        shape=KNOWN[f"meta-llama/Llama-3.1-{size}"],
        row_tokens=2048,
        micro_rows=1,
        rows_per_step=world_size,
        recompute=Recompute.full,
    )


@pytest.mark.parametrize(
    ("method", "strategy", "world_size"),
    [
        (MethodKind.full, StrategyKind.fsdp, 8),
        (MethodKind.lora, StrategyKind.fsdp, 2),
        pytest.param(MethodKind.dora, StrategyKind.ddp, 8, marks=pytest.mark.proof),
        pytest.param(MethodKind.qlora, StrategyKind.fsdp, 4, marks=pytest.mark.proof),
        pytest.param(MethodKind.full, StrategyKind.single, 1, marks=pytest.mark.proof),
    ],
)
def test_agrees_with_the_formulas_in_each_part(
    method: MethodKind, strategy: StrategyKind, world_size: int
) -> None:
    job = make_job(method, strategy, world_size=world_size)
    dry, moments = dry_memory(job), step_moments(job)
    formula = nearest_moment(moments, dry)
    # Beside each 4-bit weight stand tables, half a kilobyte that shows in a model this small.
    near = 0.02 if method is MethodKind.qlora else 0.01
    assert dry.parameters == pytest.approx(formula.parameters, rel=near)
    assert dry.optimizer == pytest.approx(formula.optimizer, rel=0.01)  # blocks of 512 bytes
    assert dry.activations == pytest.approx(formula.activations, rel=0.1)
    # the bf16 copy of a trained head has the shape of its gradient
    assert dry.logits + dry.gradients == pytest.approx(formula.logits + formula.gradients, rel=0.1)
    assert dry.total == pytest.approx(max(moment.total for moment in moments), rel=0.1)
    assert dry.peak_at in ("forward", "backward", "optimizer")


@pytest.mark.parametrize(
    "method", [MethodKind.full, pytest.param(MethodKind.lora, marks=pytest.mark.proof)]
)
def test_agrees_with_what_a_real_step_takes(method: MethodKind, tiny_llama_folder: Path) -> None:
    job = replace(
        make_job(method, StrategyKind.single, world_size=1),
        shape=read_model_shape(tiny_llama_folder),
        on_gpu=False,
        precision=Precision.fp32,
    )
    dry = dry_memory(job)
    in_the_step = dry.gradients + dry.activations + dry.logits
    assert in_the_step == pytest.approx(_peak_of_real_step(job, tiny_llama_folder), rel=0.03)


@pytest.mark.proof
@pytest.mark.parametrize(
    ("job", "seconds"),
    [
        (proof_job("8B", MethodKind.full, world_size=8), 300),
        (proof_job("8B", MethodKind.full, world_size=64), 300),
        (proof_job("70B", MethodKind.qlora, world_size=4), 600),
    ],
    ids=["8B full on 8", "8B full on 64", "70B qlora on 4"],
)
def test_agrees_with_the_formulas_of_large_models(job: PlannedJob, seconds: float) -> None:
    dry, moments = dry_memory(job, timeout_seconds=seconds), step_moments(job)
    print("\n".join(comparison_lines(moments, dry)))
    assert dry.parameters == pytest.approx(moments[0].parameters, rel=0.02)
    assert dry.optimizer == pytest.approx(moments[0].optimizer, rel=0.02)
    assert dry.total == pytest.approx(max(moment.total for moment in moments), rel=0.1)


def test_lists_the_parts_that_disagree() -> None:
    dry = MemoryParts(4.0e9, 0.0, 8.0e9, 10.0e9, 0.0, 1.0e7, 0.0, peak_at="backward")
    early = dry._replace(activations=1.0e9, peak_at="loss")
    late = dry._replace(activations=12.0e9, buffers=0.0, margin=2.0e9, peak_at="last layers")
    lines = comparison_lines([early, late], dry)
    assert lines[-1] == "the two disagree by more than 10 % about activations"
    assert lines[-2] == "worst moment: last layers by the formulas, backward in the dry build"
    assert comparison_lines([dry], dry)[-1] == "no part differs by more than 10 %"


def test_plan_shows_both_ways_side_by_side(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    module = import_module("lokal.recipes.plan")

    def built(job: PlannedJob) -> MemoryParts:
        worst = max(step_moments(job), key=lambda parts: parts.total)
        return worst._replace(optimizer=2 * worst.optimizer)

    monkeypatch.setattr(module, "dry_memory", built)
    words = ["gpu=h100", "cluster.gpus_per_node=8", "experiment=sft_full_8b", "dry=true"]
    assert module.plan.main(["recipe=finetune", *words]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert "optimizer             7.48      14.96    0.50" in lines
    assert any("disagree by more than 10 % about optimizer, the total" in line for line in lines)


def test_says_what_cannot_be_built_dry() -> None:
    job = make_job(MethodKind.full, StrategyKind.zero3, world_size=8)
    with pytest.raises(UserError, match=r"strategy=zero3 cannot be built dry.*leave dry=true out"):
        dry_memory(job)
    assert "compile" in why_no_dry_build(
        replace(make_job(MethodKind.full, StrategyKind.fsdp, world_size=8), compiled=True)
    )


def test_ends_a_build_that_takes_too_long() -> None:
    job = make_job(MethodKind.full, StrategyKind.fsdp, world_size=8)
    with pytest.raises(RunError, match=r"did not end in 0\.01 s: plan without dry=true"):
        dry_memory(job, timeout_seconds=0.01)


@pytest.mark.proof
def test_tells_of_a_failure_in_one_line() -> None:
    job = make_job(MethodKind.full, StrategyKind.fsdp, world_size=8)
    job = replace(job, strategy=StrategyConfig(kind=StrategyKind.fsdp, replicas=3))
    with pytest.raises(RunError, match=r"failed \(UserError: strategy\.replicas must divide"):
        dry_memory(job)


def _peak_of_real_step(job: PlannedJob, folder: Path) -> float:
    """Return the most bytes that the second step of a real run has taken and not given back."""
    model = load_model(Stack.hf, folder, job.method, dtype=torch.float32, seed=0, kernels=PLAIN)
    model.module.train()
    strategy = SingleStrategy(model, TrainingConfig())
    _step(strategy, job)
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as profiler:
        _step(strategy, job)
    assert profiler.profiler is not None
    results: Any = profiler.profiler.kineto_results  # its C++ type does not list nbytes
    changes = [
        (event.start_ns(), event.nbytes())
        for event in results.events()
        if event.name() == "[memory]"
    ]
    total = most = 0
    for _, size in sorted(changes):
        total += size
        most = max(most, total)
    return float(most)


def _step(strategy: SingleStrategy, job: PlannedJob) -> None:
    rows, tokens = job.rows_at_once, job.row_tokens
    targets = rows * tokens
    batch = Batch(
        prefix_P=torch.zeros(0, dtype=torch.long),
        ids_BT=torch.zeros(rows, tokens, dtype=torch.long),
        positions_BT=torch.arange(tokens).repeat(rows, 1),
        mask_BTS=None,
        target_at_N=torch.arange(targets),
        targets_N=torch.zeros(targets, dtype=torch.long),
        group_N=torch.zeros(targets, dtype=torch.long),
        lengths=((tokens,),) * rows,
    )
    strategy.accumulate(batch, weight=1 / targets, is_last=True)
    strategy.step(lr=1e-4)
