"""How close ``lokal plan calibrate=`` comes: one speed predicts the steps of other configurations.

Run: ``python benchmarks/plan_time.py``. Steps of one process with one thread, in processor time,
which what else runs on the machine disturbs little. The first line calibrates.
"""

import statistics
import time

from lokal.cluster.plan.job import planned_job
from lokal.cluster.plan.speed import work_flops
from lokal.cluster.plan.work import Work
from lokal.cluster.settings import ClusterConfig, ClusterKind
from lokal.training.finetune_config import FinetuneConfig
from plan import BF16, FULL, SCRATCH, compose, make_batch, rows_of, train

_TIMED = {
    "135M lora bf16, 2 x 256 (calibrates)": ["method=lora", BF16, *rows_of(2, 256)],
    "135M lora bf16, 1 x 1024": ["method=lora", BF16, *rows_of(1, 1024)],
    "135M lora bf16, recomputed": ["method=lora", BF16, FULL, *rows_of(2, 256)],
    "135M full bf16": ["method=full", BF16, *rows_of(2, 256)],
    "231M lora bf16": [*SCRATCH, "method=lora", BF16, *rows_of(2, 256)],
    "231M full bf16": [*SCRATCH, "method=full", BF16, *rows_of(2, 256)],
}


def print_times() -> None:
    """Calibrate on the first line and print how close the others come."""
    rate = 0.0
    print("| configuration | predicted s | measured s | off |\n|---|---:|---:|---:|")
    for name, words in _TIMED.items():
        config = compose(words)
        job = planned_job(config, ClusterConfig(kind=ClusterKind.local))
        tokens = job.tokens_at_once
        flops = work_flops(job, Work(1, tokens, tokens, job.row_tokens, ""))
        measured = statistics.median(processor_seconds(config))
        rate = rate or flops / measured
        off = flops / rate / measured - 1
        print(f"| {name} | {flops / rate:.2f} | {measured:.2f} | {off:+.0%} |", flush=True)


def processor_seconds(config: FinetuneConfig) -> list[float]:
    """Train some steps in this process, and return what all but the first took of a processor."""
    import torch
    from lokal.data.base_model import resolve_checkpoint
    from lokal.training.kernels import choose_kernels
    from lokal.training.precision import choose_dtype
    from lokal.training.processes import build_strategy
    from lokal.training.stack import load_model

    torch.set_num_threads(1)
    device, dtype = torch.device("cpu"), choose_dtype(config.training.precision)
    kernels = choose_kernels(config, device=device, dtype=dtype)
    checkpoint = resolve_checkpoint(config.model)
    model = load_model(
        config.stack, checkpoint, config.method, dtype=dtype, seed=0, kernels=kernels
    )
    strategy = build_strategy(config.strategy, model, config.training, dtype=dtype, device=device)
    model.module.train()
    batch = make_batch(config, with_mask=model.needs_mask)
    return train(strategy, batch, steps=4, clock=time.process_time)


if __name__ == "__main__":
    print_times()
