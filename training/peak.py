"""The most that the hardware multiplies a second, from a table for GPUs, measured on CPUs."""

import time

import torch

# Dense (no sparsity) bf16 rates in 1e12 FLOP/s as the makers state them, not yet compared with
# their data sheets line by line. The first name that occurs in the device's name counts, so longer
# names come first.
_BF16_TERAFLOPS = (
    ("H100 PCIe", 756.0),
    ("H100 NVL", 835.0),
    ("H100", 989.0),
    ("H200", 989.0),
    ("B200", 2250.0),
    ("A100", 312.0),
    ("L40S", 362.0),
    ("L4", 121.0),
    ("A10G", 70.0),
    ("A10", 125.0),
    ("RTX 4090", 165.2),
    ("RTX 3090", 71.0),
    ("MI300X", 1307.4),
    ("MI250X", 383.0),
)
_SIZE = 1024
_SECONDS = 0.2


def peak_flops(device: torch.device, dtype: torch.dtype) -> float | None:
    """Return the peak of this process's device, or None where it is not known.

    On a CPU it is the best of a few square products in that format, with this process's threads:
    every process measures at the same time, since they share the cores.
    """
    if device.type == "cpu":
        return _measure(dtype)
    if dtype is not torch.bfloat16:
        return None
    return peak_of_gpu(torch.cuda.get_device_name(device))


def peak_of_gpu(name: str) -> float | None:
    """Return the bf16 peak of a GPU by the name that CUDA gives it."""
    return next((rate * 1e12 for part, rate in _BF16_TERAFLOPS if part in name), None)


def _measure(dtype: torch.dtype) -> float:
    left = torch.ones(_SIZE, _SIZE, dtype=dtype)
    right = torch.ones(_SIZE, _SIZE, dtype=dtype)
    _ = left @ right
    best = float("inf")
    end = time.perf_counter() + _SECONDS
    while time.perf_counter() < end:
        started = time.perf_counter()
        _ = left @ right
        best = min(best, time.perf_counter() - started)
    return 2 * _SIZE**3 / best
