"""How close ``lokal plan`` comes: memory and step time of real training steps beside its formulas.

Run: ``python benchmarks/plan.py``; ``--only NAME`` takes single lines, ``--json FILE`` keeps the
measurements. Each line is trained for two steps by gloo processes of one thread each, with rows of
full length of which every token is trained. A process's memory is its highest resident set
(VmHWM of /proc/self/status) above what is resident after imports and one step of a tiny model; of
several processes the largest counts. glibc gives what is freed back to the system
(MALLOC_MMAP_THRESHOLD_ at 1 MiB), so that it is what the run needs; ``--default-malloc`` leaves it
as it comes, and freed tensors of up to 32 MiB then stay in the heap. Lines marked "fit" were looked
at when the margin in cluster/plan/estimate.py was chosen, "check" not.
"""

import argparse
import json
import os
import statistics
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from lokal.cluster.plan.estimate import estimate_memory
from lokal.cluster.plan.job import planned_job
from lokal.cluster.settings import ClusterConfig, ClusterKind
from lokal.recipes.finetune import finetune
from lokal.training.finetune_config import FinetuneConfig
from lokal.training.launch import launch, leave

_STEPS = 2
_MIB = 2**20
SCRATCH = [
    "model=scratch",
    "model.scratch.hidden_size=1024",
    "model.scratch.intermediate_size=2816",
    "model.scratch.num_layers=16",
    "model.scratch.num_heads=16",
    "model.scratch.num_kv_heads=4",
]
"""231 million weights."""
FP32, BF16 = "training.precision=fp32", "training.precision=bf16"
FULL = "training.activation_checkpointing=full"
SELECTIVE = "training.activation_checkpointing=selective"


def rows_of(rows: int, tokens: int) -> list[str]:
    """Return words for this many rows in each forward pass of a process."""
    of_step = f"training.rows_per_step={rows}"
    return [f"training.micro_rows={rows}", f"tokens.max_tokens={tokens}", of_step]


def _ranks(strategy: str, rows: int) -> list[str]:
    return [f"strategy={strategy}", "launch.processes=2", f"training.rows_per_step={2 * rows}"]


_FIT = {
    "135M full fp32": ["method=full", FP32, *rows_of(4, 256)],
    "135M lora bf16": ["method=lora", BF16, *rows_of(8, 256)],
    "135M full bf16, recomputed": ["method=full", BF16, FULL, *rows_of(4, 512)],
    "135M full fp32, ddp": ["method=full", FP32, *rows_of(2, 256), *_ranks("ddp", 2)],
    "135M full bf16, fsdp": ["method=full", BF16, *rows_of(2, 256), *_ranks("fsdp", 2)],
    "231M lora bf16, ddp": [
        *SCRATCH,
        "method=lora",
        BF16,
        *rows_of(4, 256),
        *_ranks("ddp", 4),
    ],
    "135M full bf16, zero2": ["method=full", BF16, *rows_of(2, 256), *_ranks("zero2", 2)],
}
_CHECK = {
    "135M dora bf16": ["method=dora", BF16, *rows_of(4, 256)],
    "231M lora bf16, selective": [*SCRATCH, "method=lora", BF16, SELECTIVE, *rows_of(4, 256)],
    "231M full bf16": [*SCRATCH, "method=full", BF16, *rows_of(2, 512)],
    "231M full fp32, recomputed, fsdp": [
        *SCRATCH, "method=full", FP32, FULL, *rows_of(2, 512), *_ranks("fsdp", 2),
    ],
    "135M lora bf16, packed, fsdp": [
        "method=lora", BF16, "tokens.layout=packed", *rows_of(4, 256), *_ranks("fsdp", 4),
    ],
    "135M full bf16, recomputed, zero3": [
        "method=full", BF16, FULL, *rows_of(2, 512), *_ranks("zero3", 2),
    ],
}  # fmt: skip


class Measured(NamedTuple):
    """One line: the largest process."""

    bytes: int
    seconds: list[float]
    """Of each step, the first left out."""


def main() -> None:
    """Measure every line and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", nargs="+", default=[])
    parser.add_argument("--json", type=Path)
    parser.add_argument("--default-malloc", action="store_true")
    options = parser.parse_args()
    if not options.default_malloc:
        for name in ("MALLOC_MMAP_THRESHOLD_", "MALLOC_TRIM_THRESHOLD_"):
            os.environ[name] = str(_MIB)
    found: dict[str, Measured] = {}
    if options.json and options.json.is_file():
        found = {k: Measured(*v) for k, v in json.loads(options.json.read_text()).items()}
    lines = {**_FIT, **_CHECK}
    for name in options.only or lines:
        found[name] = measure(lines[name])
        print(line_of(name, lines[name], found[name]), flush=True)
        if options.json:
            options.json.write_text(json.dumps(found))
    print_table(found)


def print_table(found: dict[str, Measured]) -> None:
    """Print what was measured beside what the formulas say now."""
    print("| configuration | | planned MiB | measured MiB | off | seconds a step |")
    print("|---|---|---:|---:|---:|---:|")
    for name, words in {**_FIT, **_CHECK}.items():
        if name in found:
            print(line_of(name, words, found[name]))


def line_of(name: str, words: list[str], found: Measured) -> str:
    """Return one line of the table."""
    planned = estimate_memory(
        planned_job(compose(words), ClusterConfig(kind=ClusterKind.local))
    ).total
    use = "fit" if name in _FIT else "check"
    return (
        f"| {name} | {use} | {planned / _MIB:,.0f} | {found.bytes / _MIB:,.0f} "
        f"| {planned / found.bytes - 1:+.1%} | {statistics.median(found.seconds):.2f} |"
    )


def compose(words: list[str]) -> FinetuneConfig:
    """Return the config that the words make."""
    return finetune.compose(["tokens.share_prefix=false", *words])


def measure(words: list[str]) -> Measured:
    """Train in processes of their own and return what the largest needed."""
    config = compose(words)
    with TemporaryDirectory() as name:
        command = [sys.executable, __file__, "--work", name, json.dumps(words)]
        if launch(command, processes=max(1, config.launch.processes), threads=1):
            raise SystemExit(f"failed: {words}")
        parts = [json.loads(path.read_text()) for path in Path(name).glob("*.json")]
    return max((Measured(*part) for part in parts), key=lambda part: part.bytes)


def work(folder: Path, words: list[str]) -> None:
    """Train some steps in this process and write what it took."""
    from lokal.data.base_model import resolve_checkpoint
    from lokal.data.quiet import quieten
    from lokal.training.kernels import choose_kernels
    from lokal.training.precision import choose_dtype
    from lokal.training.processes import build_strategy, join_processes
    from lokal.training.stack import load_model

    quieten()
    config = compose(words)
    checkpoint = resolve_checkpoint(config.model)
    warm_up(config)
    if config.strategy.kind.name.startswith("zero"):
        import deepspeed  # noqa: F401  what importing takes is not counted
    device = join_processes(config.strategy)
    dtype = choose_dtype(config.training.precision)
    before = _status("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")  # the highest so far is forgotten
    model = load_model(
        config.stack,
        checkpoint,
        config.method,
        dtype=dtype,
        seed=0,
        kernels=choose_kernels(config, device=device, dtype=dtype),
        late=config.strategy.kind.name == "fsdp",
    )
    strategy = build_strategy(config.strategy, model, config.training, dtype=dtype, device=device)
    model.module.train()
    seconds = train(strategy, make_batch(config, with_mask=model.needs_mask))
    result = Measured(_status("VmHWM") - before, seconds)
    (folder / f"{strategy.rank}.json").write_text(json.dumps(result))
    strategy.sum([0.0])
    leave(0)


def train(strategy, batch, *, steps=_STEPS, clock=time.monotonic) -> list[float]:  # noqa: ANN001
    """Run the steps, each of one forward pass, and return the seconds of all but the first."""
    seconds: list[float] = []
    for _ in range(steps):
        begun = clock()
        strategy.accumulate(batch, weight=1 / len(batch.targets_N), is_last=True)
        strategy.step(lr=1e-5)
        seconds.append(clock() - begun)
    return seconds[1:]


def make_batch(config: FinetuneConfig, *, with_mask: bool):  # noqa: ANN201
    """Return rows of full length; packed ones hold two documents."""
    from lokal.data.batches import collate
    from lokal.data.chat import EncodedConversation

    documents = 2 if config.tokens.layout.name == "packed" else 1
    size = config.tokens.max_tokens // documents
    ids = [7 + place % 1000 for place in range(size)]
    row = [EncodedConversation(ids, [True] * size, 0)] * documents
    rows = [row] * config.training.micro_rows
    return collate(rows, prefix=[], pad_id=0, with_mask=with_mask)


def warm_up(config: FinetuneConfig) -> None:
    """Import what a step imports, by one step of a tiny model."""
    import torch
    from lokal.training.hf_stack import load_hf_model
    from lokal.training.kernels import Kernels
    from lokal.training.recompute import recompute
    from lokal.training.strategy import SingleStrategy
    from transformers import LlamaConfig, LlamaForCausalLM

    with TemporaryDirectory() as name:
        tiny = LlamaConfig(
            vocab_size=2048, hidden_size=64, intermediate_size=64, num_hidden_layers=2,
            num_attention_heads=2,
        )  # fmt: skip
        LlamaForCausalLM(tiny).save_pretrained(name)
        for fused in (False, True):
            model = load_hf_model(
                Path(name),
                config.method,
                dtype=torch.bfloat16,
                seed=0,
                kernels=Kernels(fused=fused),
            )
            recompute(model, config.training.activation_checkpointing)
            model.module.train()
            train(SingleStrategy(model, config.training), make_batch(config, with_mask=not fused))


def _status(key: str) -> int:
    """Return a figure of this process, in bytes."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(key):
            return int(line.split()[1]) * 1024
    raise KeyError(key)


if __name__ == "__main__":
    if "--work" in sys.argv:
        work(Path(sys.argv[2]), json.loads(sys.argv[3]))
    else:
        main()
