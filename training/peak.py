"""The most that the hardware multiplies a second, from a table for GPUs, measured on CPUs."""

import time

import torch

from ..data.gpu import find_gpu

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
    gpu = find_gpu(name)
    return None if gpu is None else gpu.bf16_teraflops * 1e12


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
