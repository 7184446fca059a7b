"""The table of GPUs: one YAML file each in ``configs/gpu``, the user's own folder before ours."""

import re
from dataclasses import dataclass

from .config_files import config_names, read_config
from .errors import UserError

_OTHERS = "Laptop"
"""A word in the name of a GPU that is not what the rest of its name says."""


@dataclass(kw_only=True, slots=True)
class GpuConfig:
    """What a plan and a run's figures need to know of a GPU, of one device as PyTorch sees it."""

    label: str
    cuda_name: str
    """Words that stand in the name by which CUDA calls it; the longest that fit count."""
    memory_gb: float
    """10^9 bytes."""
    bf16_teraflops: float
    """Dense products in bf16 with fp32 sums, 10^12 operations a second."""
    bandwidth_gb_per_second: float
    price_per_gpu_hour: float | None = None
    """USD; null: unknown."""
    price_as_of: str = ""
    """The day on which the source of the price was read."""
    source: str = ""

    def __post_init__(self) -> None:
        for name in ("memory_gb", "bf16_teraflops", "bandwidth_gb_per_second"):
            if getattr(self, name) <= 0:
                raise ValueError(f"gpu.{name} must be above 0, got {getattr(self, name)}")
        if self.price_per_gpu_hour is not None and not self.price_as_of:
            raise ValueError("gpu.price_per_gpu_hour needs gpu.price_as_of: the day it was read")


def load_gpu(name: str) -> GpuConfig:
    """Return one GPU of the table.

    Raises:
        UserError: there is none of that name, or its file is wrong.
    """
    try:
        return GpuConfig(**read_config("gpu", name))  # pyright: ignore[reportArgumentType]
    except (TypeError, ValueError) as error:
        raise UserError(f"gpu={name}: {error}") from error


def find_gpu(cuda_name: str) -> GpuConfig | None:
    """Return the GPU that CUDA calls so; None where it is not in the table."""
    if re.search(rf"\b{_OTHERS}\b", cuda_name):
        return None
    gpus = [load_gpu(name) for name in config_names("gpu")]
    found = [gpu for gpu in gpus if re.search(rf"\b{re.escape(gpu.cuda_name)}\b", cuda_name)]
    return max(found, key=lambda gpu: len(gpu.cuda_name), default=None)
