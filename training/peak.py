"""The most that the hardware multiplies a second, from a table for GPUs, measured on CPUs."""

import re
import time

import torch

# Dense bf16 rates in 1e12 FLOP/s with fp32 sums, of one device as PyTorch sees it. NVIDIA's sheets
# give the double for H100 to L4, "with sparsity". From the makers' sheets of H100, H200, Blackwell,
# A100, L40S (with L40), L4, A10, MI300X and MI250X, whose two halves are two devices, and from the
# white papers of Ada and GA102, compared by tables and copies that cite them. The first name that
# stands in the device's name as a word counts, so longer names come first.
_BF16_TERAFLOPS = (
    ("Laptop", None),
    ("H100 PCIe", 756.0),
    ("H100 NVL", 835.0),
    ("H100", 989.4),
    ("H200", 989.4),
    ("GH200", 989.4),
    ("B200", 2250.0),
    ("A100", 312.0),
    ("L40S", 362.0),
    ("L40", 181.0),
    ("L4", 121.0),
    ("A10G", 70.0),
    ("A10", 125.0),
    ("RTX 4090", 165.2),
    ("RTX 3090", 71.0),
    ("MI300X", 1307.4),
    ("MI250X", 191.5),
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
    for part, rate in _BF16_TERAFLOPS:
        if re.search(rf"\b{part}\b", name):
            return None if rate is None else rate * 1e12
    return None


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
