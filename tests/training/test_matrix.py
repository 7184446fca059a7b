"""Every strategy with every method and stack, on two gloo processes, against one process.

The processes run this file's ``work`` and write down what they saw; the tests compare. A new method
or stack is a line in ``CASES``, a new strategy one in ``STRATEGIES``. Their PATH holds no compiler.
"""

import json
import math
import os
import shutil
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple, TypedDict

import pytest
import torch
import torch.distributed as dist
from lokal.data.batches import BatchPlan
from lokal.data.errors import RunError
from lokal.data.quiet import quieten
from lokal.data.tokens import TokenRows, write_tokens
from lokal.training.checkpoint import Checkpoints
from lokal.training.feed import Feed
from lokal.training.launch import launch, leave
from lokal.training.processes import build_strategy, join_processes
from lokal.training.settings import (
    MethodConfig,
    MethodKind,
    Recompute,
    Stack,
    StrategyConfig,
    StrategyKind,
    TrainingConfig,
)
from lokal.training.stack import TrainableModel, load_model
from lokal.training.strategy import Strategy
from safetensors.torch import load_file

STEPS = 6
HALF = 3
NOW = datetime(2026, 1, 1, tzinfo=UTC)
TARGETS = ["q_proj", "k_proj", "o_proj", "down_proj"]
LORA = MethodConfig(kind=MethodKind.lora, rank=4, alpha=8, targets=TARGETS)
DORA = replace(LORA, kind=MethodKind.dora)
TOKENS = replace(LORA, train_embeddings=True, embedding_lr_ratio=0.5)
QLORA = replace(LORA, kind=MethodKind.qlora)
FULL = MethodConfig(kind=MethodKind.full)
UPPER = MethodConfig(kind=MethodKind.full, first_layer=1)
FP32_TOLERANCE = 1e-4
BF16_TOLERANCE = 0.02


class Case(NamedTuple):
    """What is trained."""

    stack: Stack
    method: MethodConfig
    dtype: torch.dtype = torch.float32
    prefix: bool = False
    recompute: Recompute = Recompute.none

    @property
    def training(self) -> TrainingConfig:
        return TrainingConfig(
            lr=0.01, clip_norm=0.1, weight_decay=0.1, activation_checkpointing=self.recompute
        )


CASES = {
    "lora": Case(Stack.hf, LORA),
    "full": Case(Stack.hf, FULL),
    "full of the upper layer": Case(Stack.hf, UPPER),
    "lora of torchtune": Case(Stack.torchtune, LORA),
    "full of torchtune": Case(Stack.torchtune, FULL),
    "dora": Case(Stack.hf, DORA),
    "dora of torchtune": Case(Stack.torchtune, DORA),
    "lora and embedding": Case(Stack.hf, TOKENS),
    "qlora": Case(Stack.hf, QLORA),
    "lora with a shared prefix": Case(Stack.hf, LORA, prefix=True),
    "full with a shared prefix": Case(Stack.hf, FULL, prefix=True),
    "lora beside a bf16 base": Case(Stack.hf, LORA, dtype=torch.bfloat16),
    "full, recomputed": Case(Stack.hf, FULL, recompute=Recompute.full),
    "lora, recomputed in part": Case(Stack.hf, LORA, recompute=Recompute.selective),
}
SINGLE = StrategyConfig(kind=StrategyKind.single)
STRATEGIES = {
    "ddp": StrategyConfig(kind=StrategyKind.ddp),
    "fsdp": StrategyConfig(kind=StrategyKind.fsdp),
    "fsdp offloaded": StrategyConfig(kind=StrategyKind.fsdp, cpu_offload=True),
    "fsdp in two replicas": StrategyConfig(kind=StrategyKind.fsdp, replicas=2),
    "zero2": StrategyConfig(kind=StrategyKind.zero2),
    "zero2 offloaded": StrategyConfig(kind=StrategyKind.zero2, cpu_offload=True),
    "zero3": StrategyConfig(kind=StrategyKind.zero3),
    "zero3 offloaded": StrategyConfig(kind=StrategyKind.zero3, cpu_offload=True),
}
BY_NAME = ("ddp", "fsdp", "fsdp in two replicas")
FIXED_SIZE = ("zero2", "zero3")
# Forms of the same strategy: the two plain cases are enough.
FORMS = ("fsdp offloaded", "fsdp in two replicas", "zero2 offloaded", "zero3 offloaded")
PAIRS = [
    (name, case)
    for name, strategy in STRATEGIES.items()
    for case in (("lora", "full") if name in FORMS else CASES)
    # Where layers are gathered one by one a prefix cannot be shared: see docs/strategies.md.
    if not (CASES[case].prefix and strategy.kind in (StrategyKind.fsdp, StrategyKind.zero3))
    if CASES[case].recompute is not Recompute.selective or strategy.kind is not StrategyKind.zero3
]
# DeepSpeed's start takes longest: what it has in common with the others is shown in the proofs.
OF_DEEPSPEED = ("lora", "full", "lora of torchtune", "lora beside a bf16 base")
FIRST = [(name, case) for name, case in PAIRS if "zero" not in name or case in OF_DEEPSPEED]
REST = [pair for pair in PAIRS if pair not in FIRST]


class Curve(TypedDict):
    """Mean loss and gradient norm of each step."""

    losses: list[float]
    norms: list[float]


class Run:
    """A case under a strategy, ready for its first step."""

    def __init__(self, case: Case, strategy: StrategyConfig, model: Path, tokens: Path) -> None:
        self.model: TrainableModel = load_model(
            case.stack,
            model,
            case.method,
            dtype=case.dtype,
            seed=1,
            late=strategy.kind is StrategyKind.fsdp,
        )
        self.feed = make_feed(tokens, with_prefix=case.prefix)
        self.strategy: Strategy = build_strategy(
            strategy, self.model, case.training, dtype=case.dtype, device=torch.device("cpu")
        )

    def follow(self, first: int = 0, last: int = STEPS) -> Curve:
        """Train from one step to another, as the loop does."""
        curve = Curve(losses=[], norms=[])
        for step in range(first, last):
            trained_tokens = self.feed.step_counts(step).trained_tokens
            total = self.accumulate(step)
            curve["norms"].append(self.strategy.step(lr=0.01 * (1 - step / STEPS)))
            curve["losses"].append(self.strategy.sum([total])[0] / trained_tokens)
        return curve

    def accumulate(self, step: int, *, scale: float = 1.0) -> float:
        trained_tokens = self.feed.step_counts(step).trained_tokens
        batches = self.feed.micro_batches(
            step, rank=self.strategy.rank, num_ranks=self.strategy.num_ranks
        )
        total = 0.0
        for index, (batch, counts) in enumerate(batches):
            weight = scale / trained_tokens if counts else 0.0
            is_last = index == len(batches) - 1
            loss = self.strategy.accumulate(batch, weight=weight, is_last=is_last)
            total += float(loss.sum()) if counts else 0.0
        return total

    def held_out(self) -> list[float]:
        """Return what needs no gradient: losses of one batch, and the next token's logits."""
        batch, _ = self.feed.micro_batches(0, rank=0, num_ranks=1)[0]
        logits_BV = self.strategy.logits(batch.ids_BT[:, :7])
        return [*self.strategy.losses(batch).tolist(), *logits_BV.flatten()[:20].tolist()]

    def weights(self) -> dict[str, float]:
        """Return a number that tells each finished weight apart."""
        values = self.strategy.gather(self.model.saved())
        return {name: float(value.double().norm()) for name, value in sorted(values.items())}


def make_feed(tokens: Path, *, with_prefix: bool = False) -> Feed:
    """Return steps of five rows, one a micro-batch: two processes need a filler in each."""
    rows = TokenRows.open(tokens)
    plan = BatchPlan(rows.lengths().tolist(), rows_per_step=5, pack_tokens=None, seed=0)
    prefix = rows.shared_prefix() if with_prefix else []
    return Feed(rows=rows, plan=plan, prefix=prefix, pad_id=2, micro_rows=1)


def work(model: Path, tokens: Path, out: Path) -> None:
    """Run what the folder is for in this process, and write what it saw."""
    quieten()
    join_processes(STRATEGIES["fsdp"])
    is_first = out.name.startswith("first")
    seen = curves(FIRST if is_first else REST, model, tokens)
    if is_first:
        seen |= {name: saves(name, model, tokens, out) for name in STRATEGIES}
    (out / f"seen-{dist.get_rank()}.json").write_text(json.dumps(seen))
    dist.barrier()
    leave(0)


def curves(pairs: list[tuple[str, str]], model: Path, tokens: Path) -> dict[str, dict[str, object]]:
    """Return what each pair gives from its first step to its last."""
    seen: dict[str, dict[str, object]] = {}
    for name, case in pairs:
        strategy = STRATEGIES[name]
        run = Run(CASES[case], strategy, model, tokens)
        before = run.held_out()
        curve = run.follow()
        seen[f"{name}: {case}"] = {
            "curve": curve,
            "held out": [before, run.held_out()],
            "weights": run.weights(),
        }
    return seen


def saves(name: str, model: Path, tokens: Path, out: Path) -> dict[str, object]:
    """Return what becomes of a strategy's checkpoints, and of gradients that are not accepted."""
    strategy = STRATEGIES[name]
    seen: dict[str, object] = {
        "resumed": resume(strategy, model, tokens, out / name),
        "refused": refuse(strategy, model, tokens),
    }
    if name in BY_NAME:
        run = Run(CASES["lora"], strategy, model, tokens)
        step = Checkpoints(out / "from one", "key", 2).load_newest(run.strategy)
        seen["from one"] = run.follow(first=step)
    return seen


def resume(strategy: StrategyConfig, model: Path, tokens: Path, folder: Path) -> Curve:
    """Save in the middle, also in the background, and go on with a fresh model."""
    checkpoints = Checkpoints(folder, "key", 2)
    later = Checkpoints(beside(folder), "key", 2, in_background=True)
    run = Run(CASES["lora"], strategy, model, tokens)
    run.follow(last=HALF)
    checkpoints.save(run.strategy, step=HALF, started_at=NOW, now=NOW)
    later.save(run.strategy, step=HALF, started_at=NOW, now=NOW)
    run.follow(first=HALF, last=HALF + 1)
    later.wait(run.strategy)
    run = Run(CASES["lora"], strategy, model, tokens)
    assert checkpoints.load_newest(run.strategy) == HALF
    return run.follow(first=HALF)


def beside(folder: Path) -> Path:
    """Return where the same state was written in the background."""
    return folder.with_name(f"{folder.name} in the background")


class Answer(NamedTuple):
    """What a step says to a gradient."""

    norm: float
    changed: bool
    """Whether weights changed."""


def refuse(strategy: StrategyConfig, model: Path, tokens: Path) -> list[Answer]:
    """Return the answers to: NaN on rank 1, a norm above the limit, any norm, one below it."""
    run = Run(CASES["lora"], strategy, model, tokens)
    answers: list[Answer] = []
    before = run.weights()
    for scale, limit in ((math.nan, math.inf), (1.0, 1e-9), (1.0, -1.0), (1.0, 1e9)):
        run.accumulate(0, scale=scale if run.strategy.rank == 1 else 1.0)
        norm = run.strategy.step(lr=1.0, max_norm=limit)
        answers.append(Answer(norm, changed=run.weights() != before))
    return answers


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
    """Return the folder into which two processes wrote."""
    folder = tmp_path_factory.mktemp("first")
    one = Run(CASES["lora"], SINGLE, tiny_llama_folder, tokens)
    one.follow(last=HALF)
    Checkpoints(folder / "from one", "key", 2).save(
        one.strategy, step=HALF, started_at=NOW, now=NOW
    )
    launch_two(tiny_llama_folder, tokens, folder)
    return folder


@pytest.fixture(scope="module")
def rest(tokens: Path, tiny_llama_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the same for the pairs that are left to the proofs."""
    folder = tmp_path_factory.mktemp("rest")
    launch_two(tiny_llama_folder, tokens, folder)
    return folder


def launch_two(model: Path, tokens: Path, folder: Path) -> None:
    command = [sys.executable, __file__, str(model), str(tokens), str(folder)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", str(Path(sys.executable).parent))
        patch.setenv("TORCH_EXTENSIONS_DIR", str(folder / "built"))
        assert launch(command, processes=2, threads=1) == 0


@pytest.fixture(scope="module")
def alone(tokens: Path, tiny_llama_folder: Path) -> dict[str, dict[str, object]]:
    """Return what one process sees in each case."""
    seen: dict[str, dict[str, object]] = {}
    for name, case in CASES.items():
        run = Run(case, SINGLE, tiny_llama_folder, tokens)
        before = run.held_out()
        seen[name] = {"curve": run.follow(), "held out": [before, run.held_out()]}
        seen[name]["weights"] = run.weights()
    return seen


def read(out: Path, rank: int = 0) -> dict[str, dict]:
    return json.loads((out / f"seen-{rank}.json").read_text())


@pytest.mark.parametrize(("strategy", "case"), FIRST)
def test_two_processes_give_the_curve_and_the_weights_of_one(
    out: Path, alone: dict[str, dict], strategy: str, case: str
):
    compare(out, alone, strategy, case)


@pytest.mark.proof
@pytest.mark.parametrize(("strategy", "case"), REST)
def test_two_processes_of_deepspeed_give_the_curve_and_the_weights_of_one(
    rest: Path, alone: dict[str, dict], strategy: str, case: str
):
    compare(rest, alone, strategy, case)


def compare(out: Path, alone: dict[str, dict], strategy: str, case: str) -> None:
    is_fp32 = CASES[case].dtype is torch.float32
    tolerance = FP32_TOLERANCE if is_fp32 else BF16_TOLERANCE
    one = alone[case]
    for rank in (0, 1):
        two = read(out, rank)[f"{strategy}: {case}"]
        assert two["curve"]["losses"] == pytest.approx(one["curve"]["losses"], abs=tolerance)
        assert two["curve"]["norms"] == pytest.approx(one["curve"]["norms"], abs=10 * tolerance)
        for mine, its in zip(two["held out"], one["held out"], strict=True):
            assert mine == pytest.approx(its, abs=10 * tolerance)
    assert read(out)[f"{strategy}: {case}"]["weights"] == pytest.approx(
        one["weights"], abs=100 * tolerance
    )


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_resumed_losses_are_bit_for_bit_the_unbroken_ones(out: Path, strategy: str):
    seen = read(out)
    unbroken = seen[f"{strategy}: lora"]["curve"]
    for key in ("losses", "norms"):
        assert seen[strategy]["resumed"][key] == unbroken[key][HALF:]


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_saved_in_the_background_every_byte_is_that_of_a_save_that_waits(out: Path, strategy: str):
    waited, later = (
        {path.name: path.read_bytes() for path in (folder / f"step-{HALF}").iterdir()}
        for folder in (out / strategy, beside(out / strategy))
    )
    assert later == waited


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_only_an_accepted_gradient_changes_weights(out: Path, strategy: str):
    for rank in (0, 1):
        answers = [Answer(*answer) for answer in read(out, rank)[strategy]["refused"]]
        if rank == 0:  # which alone sees weights that are split
            assert [answer.changed for answer in answers] == [False, False, False, True]
        nan, *others = (answer.norm for answer in answers)
        assert not math.isfinite(nan)
        assert others[0] > 0
        assert others == [others[0]] * 3, "what came before has left nothing behind"


@pytest.mark.parametrize("rank", [0, 1])
def test_each_process_keeps_about_half_of_adams_moments(
    out: Path, tiny_llama_folder: Path, rank: int
):
    lora = CASES["lora"]
    whole = load_model(lora.stack, tiny_llama_folder, lora.method, dtype=lora.dtype, seed=1)
    num_trained = sum(parameter.numel() for parameter in whole.trained().values())
    for strategy in ("fsdp", "zero2", "zero3"):
        saved = load_file(out / strategy / f"step-{HALF}" / f"optimizer-{rank}.safetensors")
        part = sum(tensor.numel() for name, tensor in saved.items() if not name.endswith(":step"))
        assert part == pytest.approx(num_trained, abs=20), strategy  # two moments of a half


@pytest.mark.parametrize("strategy", BY_NAME)
def test_one_process_goes_on_where_two_have_saved_and_two_where_one_has(
    out: Path, alone: dict[str, dict], tokens: Path, tiny_llama_folder: Path, strategy: str
):
    unbroken = alone["lora"]["curve"]["losses"][HALF:]
    run = Run(CASES["lora"], SINGLE, tiny_llama_folder, tokens)
    assert Checkpoints(out / strategy, "key", 2).load_newest(run.strategy) == HALF
    assert run.follow(first=HALF)["losses"] == pytest.approx(unbroken, abs=FP32_TOLERANCE)
    two = read(out)[strategy]["from one"]
    assert two["losses"] == pytest.approx(unbroken, abs=FP32_TOLERANCE)


@pytest.mark.parametrize("strategy", FIXED_SIZE)
def test_deepspeeds_state_is_refused_by_another_strategy(
    out: Path, tokens: Path, tiny_llama_folder: Path, strategy: str
):
    run = Run(CASES["lora"], SINGLE, tiny_llama_folder, tokens)
    with pytest.raises(RunError, match=f"is in the form {strategy}, this strategy reads by-name"):
        Checkpoints(out / strategy, "key", 2).load_newest(run.strategy)


@pytest.mark.parametrize("strategy", ["ddp", "fsdp", "zero2", "zero3"])
def test_every_damage_to_any_file_of_a_checkpoint_is_found(
    out: Path, tmp_path: Path, tokens: Path, tiny_llama_folder: Path, strategy: str
):
    run = Run(CASES["lora"], SINGLE, tiny_llama_folder, tokens)
    whole = out / strategy / f"step-{HALF}"
    names = sorted(path.name for path in whole.iterdir())
    assert len(names) >= 7
    for name in names:
        for damage in (cut, flip, remove, swap):
            shutil.rmtree(tmp_path)
            shutil.copytree(whole, tmp_path / whole.name)
            damage(tmp_path / whole.name / name, next(n for n in names if n != name))
            assert Checkpoints(tmp_path, "key", 2).load_newest(run.strategy) == 0, (name, damage)


def cut(path: Path, other: str) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def flip(path: Path, other: str) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def remove(path: Path, other: str) -> None:
    path.unlink()


def swap(path: Path, other: str) -> None:
    content = path.read_bytes()
    path.write_bytes(path.with_name(other).read_bytes())
    path.with_name(other).write_bytes(content)


def test_nothing_is_compiled_and_nothing_pickled(out: Path):
    assert not (out / "built").exists()
    kinds = {path.suffix for path in out.rglob("*") if path.is_file()}
    assert kinds <= {".json", ".safetensors", ".sha256", ""}


if __name__ == "__main__":
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    work(*map(Path, sys.argv[1:]))
