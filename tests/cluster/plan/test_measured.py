"""A step of a small model needs what is planned for it, as PyTorch counts its tensors."""

from pathlib import Path
from typing import Any, cast

import pytest
import torch
from lokal.cluster.plan.estimate import step_moments
from lokal.cluster.plan.shapes import ModelShape
from lokal.cluster.plan.state import state_of
from lokal.data.batches import collate
from lokal.data.chat import EncodedConversation
from lokal.data.hardware import Precision
from lokal.training.hf_stack import load_hf_model
from lokal.training.kernels import Kernels
from lokal.training.recompute import recompute
from lokal.training.settings import Recompute, TrainingConfig
from lokal.training.strategy import SingleStrategy
from torch.profiler import ProfilerActivity, profile
from transformers import LlamaConfig, LlamaForCausalLM

SHAPE = ModelShape(
    hidden=256,
    intermediate=704,
    layers=4,
    heads=8,
    kv_heads=2,
    head_size=32,
    vocabulary=8192,
    is_tied=True,
)
ROWS, TOKENS = 2, 128


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a random Llama of that shape."""
    config = LlamaConfig(
        vocab_size=SHAPE.vocabulary,
        hidden_size=SHAPE.hidden,
        intermediate_size=SHAPE.intermediate,
        num_hidden_layers=SHAPE.layers,
        num_attention_heads=SHAPE.heads,
        num_key_value_heads=SHAPE.kv_heads,
        tie_word_embeddings=True,
    )
    target = tmp_path_factory.mktemp("small")
    LlamaForCausalLM(config).save_pretrained(target)
    return target


def peak_of_step(strategy: SingleStrategy, batch) -> int:
    """Return the most bytes of tensors that a step adds to what is held before it."""
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as seen:
        strategy.accumulate(batch, weight=1e-3, is_last=True)
        strategy.step(lr=1e-5)
    results: Any = cast("Any", seen.profiler).kineto_results
    changes = [
        (event.start_ns(), event.nbytes())
        for event in results.events()
        if event.name() == "[memory]"
    ]
    held, most = 0, 0
    for _, change in sorted(changes):
        held += change
        most = max(most, held)
    return most


@pytest.mark.parametrize(
    ("method", "precision", "way"),
    [
        ("full", Precision.fp32, "none"),
        ("full", Precision.bf16, "full"),
        ("lora", Precision.bf16, "fused"),
        ("dora", Precision.bf16, "selective"),
    ],
)
def test_a_step_of_a_small_model_peaks_as_planned(
    make_job, folder: Path, method: str, precision: Precision, way: str
):
    kept = Recompute.none if way == "fused" else Recompute[way]
    job = make_job(
        shape=SHAPE,
        method=method,
        strategy="single",
        on_gpu=False,
        precision=precision,
        row_tokens=TOKENS,
        micro_rows=ROWS,
        rows_per_step=ROWS,
        fused=way == "fused",
        recompute=kept,
    )
    dtype = torch.bfloat16 if precision is Precision.bf16 else torch.float32
    model = load_hf_model(
        folder, job.method, dtype=dtype, seed=0, kernels=Kernels(fused=way == "fused")
    )
    recompute(model, kept)
    model.module.train()
    strategy = SingleStrategy(model, TrainingConfig())
    row = [EncodedConversation([5] * (TOKENS + 1), [True] * (TOKENS + 1), 0)]
    batch = collate([row] * ROWS, prefix=[], pad_id=0, with_mask=model.needs_mask)
    peak_of_step(strategy, batch)  # makes Adam's state
    state = state_of(job)
    between_steps = state.parameters + state.optimizer + state.buffers
    planned = max(parts.total for parts in step_moments(job)) - between_steps
    assert planned == pytest.approx(peak_of_step(strategy, batch), rel=0.1)
