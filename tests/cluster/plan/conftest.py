"""Jobs that the plan's tests share."""

from collections.abc import Callable
from typing import Any

import pytest
from lokal.cluster.plan.job import PlannedJob
from lokal.cluster.plan.shapes import KNOWN, ModelShape
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

LINEARS = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
MakeJob = Callable[..., PlannedJob]


@pytest.fixture
def make_job() -> MakeJob:
    """Return what makes a job: a full fine-tune of Llama 3.1 8B on 8 GPUs, but for changes."""

    def make(
        *,
        shape: ModelShape = KNOWN["meta-llama/Llama-3.1-8B"],
        method: str = "full",
        strategy: str = "fsdp",
        offload: bool = False,
        **changes: Any,
    ) -> PlannedJob:
        adapts = method != "full"
        values: dict[str, Any] = {
            "shape": shape,
            "stack": Stack.hf,
            "method": MethodConfig(
                kind=MethodKind(method), rank=16, targets=LINEARS if adapts else []
            ),
            "strategy": StrategyConfig(kind=StrategyKind(strategy), cpu_offload=offload),
            "stage": StageKind.sft,
            "world_size": 1 if strategy == "single" else 8,
            "on_gpu": True,
            "precision": Precision.bf16,
            "row_tokens": 4096,
            "micro_rows": 1,
            "rows_per_step": 8,
            "is_packed": False,
            "attention": AttentionKind.sdpa,
            "fused": False,
            "recompute": Recompute.none,
        }
        return PlannedJob(**(values | changes))

    return make
