"""A whole plan: memory, time, price and disk of one job on one kind of machine."""

import os
from dataclasses import dataclass
from typing import NamedTuple

from ...data.gpu import GpuConfig
from ...training.finetune_config import FinetuneConfig
from ..settings import ClusterConfig
from .disk import Disk, disk_of
from .estimate import estimate_memory
from .job import PlannedJob, planned_job
from .memory import MemoryParts
from .speed import Duration, Efficiency, duration, table_efficiency, time_limit
from .work import Work, work_of


class Price(NamedTuple):
    """USD for the fast, usual and slow end; None where no price is known."""

    per_gpu_hour: float | None
    fast: float | None = None
    usual: float | None = None
    slow: float | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """What ``lokal plan`` tells."""

    job: PlannedJob
    memory: MemoryParts
    capacity: float
    """Bytes of one device; on a CPU each process' part of main memory; 0: not known."""
    device: str
    devices: int
    """GPUs that are paid for; 0 without."""
    work: Work | None
    time: Duration | None
    price: Price
    disk: Disk

    @property
    def fits(self) -> bool | None:
        """Return whether it fits; None where the device's memory is not known."""
        return self.memory.total <= self.capacity if self.capacity else None

    @property
    def gpu_hours(self) -> tuple[float, float, float] | None:
        """Return hours x GPUs at the fast, usual and slow end."""
        if self.time is None or not self.devices:
            return None
        fast, usual, slow, *_ = (part / 3600 * self.devices for part in self.time[:3])
        return fast, usual, slow

    @property
    def time_limit(self) -> str | None:
        """Return what to ask SLURM for."""
        return None if self.time is None else time_limit(self.time.slow)


def make_plan(
    config: FinetuneConfig,
    cluster: ClusterConfig,
    gpu: GpuConfig | None,
    *,
    work: Work | None,
    measured: Efficiency | None = None,
) -> Plan:
    """Return the plan of this config.

    Args:
        gpu: of the cluster; None: it has none, or its kind is not known.
        work: as ``work_of`` tells; it does not depend on strategy, checkpointing and micro-batch.
        measured: speed of a run of the user's own, in place of the table.
    """
    job = planned_job(config, cluster)
    disk = disk_of(job, work, keep_checkpoints=config.training.keep_checkpoints)
    rates = measured or _table_rates(job, gpu)
    time = None
    if work is not None and rates is not None:
        num_saves = max(1, work.steps // config.training.save_every_steps)
        time = duration(job, work, rates, save_bytes=disk.checkpoint, num_saves=num_saves)
    devices = cluster.nodes * cluster.gpus_per_node
    return Plan(
        job=job,
        memory=estimate_memory(job),
        capacity=_capacity(job, cluster, gpu),
        device=_device(job, gpu),
        devices=devices,
        work=work,
        time=time,
        price=_price(cluster, gpu, time, devices),
        disk=disk,
    )


def work_for(config: FinetuneConfig, *, corpus_tokens: int = 0) -> Work | None:
    """Return the run's work, as ``work_of``."""
    return work_of(config, corpus_tokens=corpus_tokens)


def _table_rates(job: PlannedJob, gpu: GpuConfig | None) -> Efficiency | None:
    """Return the rates that the table makes of the peak; None where the GPU is not named."""
    if gpu is not None:
        return table_efficiency(job).of_peak(gpu.bf16_teraflops * 1e12)
    if job.on_gpu:
        return None
    import torch

    from ...training.peak import peak_flops

    dtype = torch.bfloat16 if job.precision.name == "bf16" else torch.float32
    peak = peak_flops(torch.device("cpu"), dtype)
    # of all threads here, which the processes share
    return table_efficiency(job).of_peak((peak or 0.0) / job.world_size)


def _capacity(job: PlannedJob, cluster: ClusterConfig, gpu: GpuConfig | None) -> float:
    if gpu is not None:
        return gpu.memory_gb * 1e9
    if job.on_gpu:
        return 0.0
    node = cluster.memory_gb_per_node * 1e9
    own = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    ranks = job.world_size if cluster.nodes == 1 else cluster.ranks_per_node
    return (node or float(own)) / ranks


def _device(job: PlannedJob, gpu: GpuConfig | None) -> str:
    if gpu is not None:
        return gpu.label
    return "a GPU that is not named" if job.on_gpu else "CPU"


def _price(
    cluster: ClusterConfig, gpu: GpuConfig | None, time: Duration | None, devices: int
) -> Price:
    each = cluster.price_per_gpu_hour
    if each is None and gpu is not None:
        each = gpu.price_per_gpu_hour
    if each is None or time is None or not devices:
        return Price(each)
    return Price(each, *(each * devices * part / 3600 for part in time[:3]))
