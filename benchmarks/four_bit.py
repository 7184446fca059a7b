"""How long a frozen 4-bit linear layer takes forward and backward, beside a plain one.

Run: ``python benchmarks/four_bit.py``; one thread, CPU. The figures stand in
docs/decisions/qlora.md.
"""

import time
from collections.abc import Callable

import torch
from bitsandbytes.nn.modules import Linear4bit
from lokal.training.torchtune_four_bit import FourBitLinear, quantise
from torch import Tensor, nn

ROWS = 512
SIZES = ((1536, 576), (2048, 2048), (4096, 4096))
"""Outputs and inputs."""
ROUNDS = 5


def main() -> None:
    """Print the best of some rounds in milliseconds, and the ratio to the plain layer."""
    torch.set_num_threads(1)
    print("| weight | format | not quantised, ms | bitsandbytes | torchao |")
    print("|---|---|---:|---:|---:|")
    for outputs, inputs in SIZES:
        for dtype in (torch.float32, torch.bfloat16):
            torch.manual_seed(0)
            weight = torch.randn(outputs, inputs, dtype=dtype)
            plain, *others = [best_ms(make(weight), weight) for make in (whole, bnb, ao)]
            ratios = " | ".join(f"{ms:.1f} ({ms / plain:.1f} x)" for ms in others)
            name = str(dtype).removeprefix("torch.")
            print(f"| {inputs} x {outputs} | {name} | {plain:.1f} | {ratios} |", flush=True)


def whole(weight: Tensor) -> nn.Module:
    """Return a plain frozen layer."""
    layer = nn.Linear(weight.shape[1], weight.shape[0], bias=False, dtype=weight.dtype)
    layer.weight = nn.Parameter(weight, requires_grad=False)
    return layer


def bnb(weight: Tensor) -> nn.Module:
    """Return bitsandbytes' layer, set as ``training/four_bit.py`` sets it."""
    outputs, inputs = weight.shape
    layer = Linear4bit(inputs, outputs, bias=False, compute_dtype=weight.dtype, quant_type="nf4")
    layer.load_state_dict({"weight": weight})
    layer.support_avx512bf16_for_cpu = False
    return layer.to("cpu")


def ao(weight: Tensor) -> nn.Module:
    """Return the layer of ``stack=torchtune``."""
    layer = FourBitLinear(weight.shape[1], weight.shape[0], bias=False, device="meta")
    layer.weight = nn.Parameter(quantise(weight, name="weight"), requires_grad=False)
    return layer


def best_ms(layer: Callable[[Tensor], Tensor], weight: Tensor) -> float:
    """Return the fastest forward and backward pass of ``ROWS`` rows."""
    rows = torch.randn(ROWS, weight.shape[1], dtype=weight.dtype, requires_grad=True)
    gradient = torch.ones(ROWS, weight.shape[0], dtype=weight.dtype)
    times: list[float] = []
    for _ in range(ROUNDS + 1):
        start = time.process_time()
        layer(rows).backward(gradient)
        times.append(time.process_time() - start)
    return 1000 * min(times[1:])


if __name__ == "__main__":
    main()
