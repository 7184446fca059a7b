"""``strategy=zero2`` on two gloo processes, with no compiler to be found.

The processes run this file's ``work`` and write down what they saw; the tests compare it with one
process.
"""

import json
import math
import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TypedDict

import pytest
import torch
import torch.distributed as dist
from lokal.data.batches import Batch, BatchPlan
from lokal.data.errors import UserError
from lokal.data.quiet import quieten
from lokal.data.tokens import TokenRows, write_tokens
from lokal.training.checkpoint import Checkpoints
from lokal.training.feed import Feed
from lokal.training.launch import launch, leave
from lokal.training.settings import MethodConfig, MethodKind, Stack, TrainingConfig
from lokal.training.stack import TrainableModel, load_model
from lokal.training.strategy import SingleStrategy, Strategy
from lokal.training.zero import ZeroStrategy
from safetensors.torch import load_file

STEPS = 6
NOW = datetime(2026, 1, 1, tzinfo=UTC)
CONFIG = TrainingConfig(lr=0.01, clip_norm=0.1, weight_decay=0.1)
LORA = MethodConfig(
    kind=MethodKind.lora, rank=4, alpha=8, targets=["q_proj", "k_proj", "o_proj", "down_proj"]
)
FULL = MethodConfig(kind=MethodKind.full)
CASES: dict[str, tuple[Stack, MethodConfig, torch.dtype]] = {
    "lora": (Stack.hf, LORA, torch.float32),
    "full": (Stack.hf, FULL, torch.float32),
    "lora in bf16": (Stack.hf, LORA, torch.bfloat16),
    "lora of torchtune": (Stack.torchtune, LORA, torch.float32),
}


class Curve(TypedDict):
    """Mean loss and gradient norm of each step."""

    losses: list[float]
    norms: list[float]


def load(case: str, folder: Path) -> TrainableModel:
    stack, method, dtype = CASES[case]
    return load_model(stack, folder, method, dtype=dtype, seed=1)


def make_feed(tokens: Path) -> Feed:
    """Return steps of five rows, one a micro-batch: two processes need a filler in each."""
    rows = TokenRows.open(tokens)
    plan = BatchPlan(rows.lengths().tolist(), rows_per_step=5, pack_tokens=None, seed=0)
    return Feed(rows=rows, plan=plan, prefix=[], pad_id=2, micro_rows=1)


def follow(feed: Feed, strategy: Strategy, *, first: int = 0, last: int = STEPS) -> Curve:
    """Train from one step to another, as the loop does."""
    curve = Curve(losses=[], norms=[])
    for step in range(first, last):
        trained_tokens = feed.step_counts(step).trained_tokens
        batches = feed.micro_batches(step, rank=strategy.rank, num_ranks=strategy.num_ranks)
        total = 0.0
        for index, (batch, counts) in enumerate(batches):
            weight = 1 / trained_tokens if counts else 0.0
            loss = strategy.accumulate(batch, weight=weight, is_last=index == len(batches) - 1)
            total += float(loss.sum()) if counts else 0.0
        curve["norms"].append(strategy.step(lr=CONFIG.lr * (1 - step / STEPS)))
        curve["losses"].append(strategy.sum([total])[0] / trained_tokens)
    return curve


def work(model_folder: Path, tokens: Path, out: Path) -> None:
    """Run every case in this process, and write what it saw."""
    quieten()
    dist.init_process_group("gloo")
    feed = make_feed(tokens)
    seen: dict[str, object] = {}
    for case in CASES:
        model = load(case, model_folder)
        strategy = ZeroStrategy(model, CONFIG)
        seen[case] = follow(feed, strategy)
    seen |= resume(feed, model_folder, out / "checkpoints")
    (out / f"seen-{dist.get_rank()}.json").write_text(json.dumps(seen))
    dist.barrier()
    leave(0)


def resume(feed: Feed, model_folder: Path, folder: Path) -> dict[str, object]:
    """Save in the middle, go on with a fresh model, then meet a gradient that is not a number."""
    checkpoints = Checkpoints(folder, "key", 2)
    model = load("lora", model_folder)
    strategy = ZeroStrategy(model, CONFIG)
    follow(feed, strategy, last=3)
    checkpoints.save(strategy, step=3, started_at=NOW, now=NOW)
    saved = load_file(folder / "step-3" / f"optimizer-{strategy.rank}.safetensors")
    part = sum(tensor.numel() for tensor in saved.values())

    model = load("lora", model_folder)
    strategy = ZeroStrategy(model, CONFIG)
    step = checkpoints.load_newest(strategy)
    curve = follow(feed, strategy, first=step)

    before = {name: value.detach().clone() for name, value in model.trained().items()}
    batch, _ = feed.micro_batches(0, rank=strategy.rank, num_ranks=strategy.num_ranks)[0]
    strategy.accumulate(batch, weight=math.nan if strategy.rank == 1 else 1.0, is_last=True)
    norm = strategy.step(lr=1.0)
    kept = all(torch.equal(value, before[name]) for name, value in model.trained().items())
    strategy.accumulate(batch, weight=1.0, is_last=True)
    return {
        "resumed": curve,
        "resumed step": step,
        "optimizer numbers": part,
        "kept its weights": kept,
        "norm of NaN is finite": math.isfinite(norm),
        "norm afterwards is finite": math.isfinite(strategy.step(lr=0.0)),
        "refused": refuse(strategy, batch, model),
    }


def refuse(strategy: Strategy, batch: Batch, model: TrainableModel) -> dict[str, object]:
    """Meet a gradient above the limit, then one below it."""
    before = {name: value.detach().clone() for name, value in model.trained().items()}
    norms: list[float] = []
    kept: list[bool] = []
    for limit in (-1.0, 1e-9, 1e9):
        strategy.accumulate(batch, weight=1.0, is_last=True)
        norms.append(strategy.step(lr=1.0, max_norm=limit))
        kept.append(all(torch.equal(v, before[name]) for name, v in model.trained().items()))
    return {"norms": norms, "kept its weights": kept}


@pytest.fixture(scope="module")
def tokens(
    tiny_corpus: Path, tiny_llama_folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    from transformers import AutoTokenizer

    folder = tmp_path_factory.mktemp("tokens")
    tokenizer = AutoTokenizer.from_pretrained(tiny_llama_folder)
    write_tokens(folder, tiny_corpus, tokenizer, sources={"task": 1}, max_tokens=256)
    return folder


@pytest.fixture(scope="module")
def out(tokens: Path, tiny_llama_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder into which two processes wrote; their PATH holds no compiler."""
    folder = tmp_path_factory.mktemp("zero")
    command = [sys.executable, __file__, str(tiny_llama_folder), str(tokens), str(folder)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", str(Path(sys.executable).parent))
        patch.setenv("TORCH_EXTENSIONS_DIR", str(folder / "built"))
        assert launch(command, processes=2, threads=1) == 0
    return folder


def read(out: Path, rank: int = 0) -> dict[str, Curve]:
    return json.loads((out / f"seen-{rank}.json").read_text())


@pytest.mark.parametrize("case", CASES)
def test_two_processes_give_the_curve_of_one(
    out: Path, tokens: Path, tiny_llama_folder: Path, case: str
):
    model = load(case, tiny_llama_folder)
    one = follow(make_feed(tokens), SingleStrategy(model, CONFIG))
    tolerance = 1e-4 if CASES[case][2] is torch.float32 else 0.02
    assert one["norms"][0] > CONFIG.clip_norm, "clipping is part of what is compared"
    for rank in (0, 1):
        two = read(out, rank)[case]
        assert two["losses"] == pytest.approx(one["losses"], abs=tolerance)
        assert two["norms"] == pytest.approx(one["norms"], abs=10 * tolerance)


def test_resumed_losses_are_exactly_the_unbroken_ones(out: Path):
    seen = read(out)
    assert seen["resumed step"] == 3
    assert seen["resumed"]["losses"] == seen["lora"]["losses"][3:]
    assert seen["resumed"]["norms"] == seen["lora"]["norms"][3:]


def test_each_process_keeps_about_half_of_the_optimizer(out: Path, tiny_llama_folder: Path):
    num_trained = sum(p.numel() for p in load("lora", tiny_llama_folder).trained().values())
    for rank in (0, 1):
        assert read(out, rank)["optimizer numbers"] == pytest.approx(num_trained, abs=10)


def test_a_gradient_that_is_not_a_number_on_one_process_changes_no_weight_on_any(out: Path):
    for rank in (0, 1):
        seen = read(out, rank)
        assert not seen["norm of NaN is finite"]
        assert seen["kept its weights"]
        assert seen["norm afterwards is finite"]


def test_a_norm_above_the_limit_changes_no_weight_and_the_next_below_it_does(out: Path):
    for rank in (0, 1):
        seen = json.loads((out / f"seen-{rank}.json").read_text())["refused"]
        assert seen["norms"] == [seen["norms"][0]] * 3
        assert seen["norms"][0] > 0
        assert seen["kept its weights"] == [True, True, False]


def test_nothing_was_compiled_and_nothing_pickled(out: Path):
    kinds = {path.suffix for path in out.rglob("*") if path.is_file()}
    assert kinds <= {".json", ".safetensors", ".sha256", ""}
    assert not (out / "built").exists()


def test_one_process_alone_is_told_what_to_choose(tiny_llama_folder: Path):
    with pytest.raises(UserError, match=r"launch\.processes=2 or more, or choose strategy=single"):
        ZeroStrategy(load("lora", tiny_llama_folder), CONFIG)


def test_a_missing_deepspeed_is_named(monkeypatch: pytest.MonkeyPatch, tiny_llama_folder: Path):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(UserError, match="pip install deepspeed"):
        ZeroStrategy(load("lora", tiny_llama_folder), CONFIG)


if __name__ == "__main__":
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    work(*map(Path, sys.argv[1:]))
