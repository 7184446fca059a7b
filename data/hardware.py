"""What this machine computes fastest in: the number format and how many cores we may use."""

import os
from enum import Enum
from pathlib import Path

_CPU_INFO = Path("/proc/cpuinfo")
_CPU_QUOTA = Path("/sys/fs/cgroup/cpu.max")
_FAST_BF16_FLAGS = {"amx_bf16", "avx512_bf16"}


class Precision(Enum):
    """The number format of weights and products."""

    auto = "auto"
    """bf16 where the hardware multiplies it faster than fp32, else fp32."""
    fp32 = "fp32"
    bf16 = "bf16"


def pick_precision(wanted: Precision = Precision.auto) -> Precision:
    """Return fp32 or bf16: what the user asked for, or for ``auto`` what is faster here.

    bf16 is chosen on a GPU that has it and on CPUs with AMX or AVX512-BF16. Without these a CPU
    emulates bf16 and is several times slower than in fp32.
    """
    if wanted is not Precision.auto:
        return wanted
    if _gpu_has_bf16() or _FAST_BF16_FLAGS & cpu_flags():
        return Precision.bf16
    return Precision.fp32


def cpu_flags(cpu_info: Path = _CPU_INFO) -> set[str]:
    """Return the instruction sets that the kernel lists; empty where it lists none."""
    if not cpu_info.is_file():
        return set()
    with cpu_info.open(encoding="utf-8", errors="replace") as lines:
        for line in lines:
            name, _, value = line.partition(":")
            if name.strip() == "flags":
                return set(value.split())
    return set()


def num_cores(cpu_quota: Path = _CPU_QUOTA) -> int:
    """Return the cores this process may use: its affinity, cut by the container's CPU quota."""
    cores = (
        len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    )
    if not cpu_quota.is_file():
        return cores
    quota, _, period = cpu_quota.read_text(encoding="ascii").strip().partition(" ")
    if quota == "max" or not period:
        return cores
    return max(1, min(cores, int(quota) // int(period)))


def let_waiting_threads_sleep() -> None:
    """Make OpenMP threads sleep while they wait; call before torch is imported.

    They spin by default: with other jobs on the two cores a step of two threads took 38 s instead
    of 4 s; with sleeping threads and one core shared it took 4.4 s.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")


def num_gpus() -> int:
    """Return the CUDA devices this process may use."""
    import torch

    return torch.cuda.device_count()


def _gpu_has_bf16() -> bool:
    import torch

    return torch.cuda.is_available() and torch.cuda.is_bf16_supported()
