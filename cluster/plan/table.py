"""The plan as a table for people, and as JSON."""

from ...data.manifest import Json
from .memory import MemoryParts
from .plan import Plan

_GIB = 2**30


def plan_lines(plan: Plan) -> list[str]:
    """Return the lines that ``lokal plan`` prints."""
    job = plan.job
    where = f"{job.world_size} x {plan.device}"
    method, strategy = job.method.kind.name, job.strategy.kind.name
    again = f", {job.micro_batches} times" if job.micro_batches > 1 else ""
    offload = ", offloaded" if job.strategy.cpu_offload else ""
    lines = [
        f"model          {_weights(job.shape.parameters)} weights, "
        f"{method}, {job.precision.name}, strategy {strategy}{offload} on {where}",
        f"a step         {job.rows_per_step} rows of up to {job.row_tokens} tokens, in a process "
        f"{job.rows_at_once} at once{again}; recomputes: {job.recompute.name}",
        "",
        f"memory of one process, at its peak ({plan.memory.peak_at}):",
        *_memory_lines(plan.memory),
        _verdict(plan),
        "",
        *_time_lines(plan),
        *_disk_lines(plan),
    ]
    if not job.on_gpu:
        lines.append(
            "on a CPU       glibc keeps up to 40 % more of what is freed, unless "
            "MALLOC_MMAP_THRESHOLD_=1048576"
        )
    if plan.devices > job.world_size:
        lines.append(
            f"WARNING        strategy={strategy} uses {job.world_size} of {plan.devices} GPUs"
        )
    return lines


def _weights(count: float) -> str:
    return f"{count / 1e9:.2f} B" if count >= 1e9 else f"{count / 1e6:.0f} M"


def plan_json(plan: Plan) -> dict[str, Json]:
    """Return the same as JSON; bytes and seconds."""
    memory: dict[str, Json] = {**plan.memory._asdict(), "total": plan.memory.total}
    return {
        "model_parameters": plan.job.shape.parameters,
        "method": plan.job.method.kind.name,
        "strategy": plan.job.strategy.kind.name,
        "processes": plan.job.world_size,
        "device": plan.device,
        "memory_bytes": memory,
        "device_bytes": plan.capacity or None,
        "fits": plan.fits,
        "work": dict(plan.work._asdict()) if plan.work else None,
        "seconds": dict(plan.time._asdict()) if plan.time else None,
        "gpu_hours": list(plan.gpu_hours) if plan.gpu_hours else None,
        "price_usd": dict(plan.price._asdict()),
        "disk_bytes": {**plan.disk._asdict(), "total": plan.disk.total},
        "time_limit": plan.time_limit,
    }


def _memory_lines(parts: MemoryParts) -> list[str]:
    named = parts._asdict()
    named.pop("peak_at")
    lines = [f"  {name:<12} {amount / _GIB:>9.2f} GiB" for name, amount in named.items()]
    return [*lines, f"  {'in all':<12} {parts.total / _GIB:>9.2f} GiB"]


def _verdict(plan: Plan) -> str:
    if plan.fits is None:
        return "fits           not known: name the GPU, as gpu=h100"
    room = f"{plan.capacity / _GIB:.1f} GiB of {plan.device}"
    if plan.fits:
        return f"fits           yes, {plan.memory.total / plan.capacity:.0%} of {room}"
    return f"fits           NO, {plan.memory.total / plan.capacity:.1f} times {room}"


def _time_lines(plan: Plan) -> list[str]:
    work, time = plan.work, plan.time
    if work is None:
        return [
            "work           not known: the corpus is not here; give corpus_tokens=... or "
            "training.max_steps=..."
        ]
    lines = [
        f"work           {work.steps:,} steps, {work.tokens:,} tokens, {work.trained_tokens:,} of "
        f"them trained (from {work.known_from})"
    ]
    if time is None:
        return [*lines, "time           not known: name the GPU, as gpu=h100, or calibrate=RUN"]
    lines.append(
        f"time           {_clock(time.fast)} to {_clock(time.slow)}, usually {_clock(time.usual)} "
        f"({time.step:.3g} s a step; speed from {time.known_from})"
    )
    if plan.gpu_hours:
        fast, usual, slow = plan.gpu_hours
        lines.append(f"GPU hours      {fast:.1f} to {slow:.1f}, usually {usual:.1f}")
        lines.append(f"price          {_price(plan)}")
    return [*lines, f"SLURM          time limit {plan.time_limit}"]


def _price(plan: Plan) -> str:
    price = plan.price
    if price.fast is None or price.usual is None or price.slow is None:
        return "unknown: set cluster.price_per_gpu_hour"
    return (
        f"{price.fast:,.2f} to {price.slow:,.2f} USD, usually {price.usual:,.2f} "
        f"(at {price.per_gpu_hour:g} a GPU hour)"
    )


def _disk_lines(plan: Plan) -> list[str]:
    disk = plan.disk
    return [
        f"disk           {disk.total / _GIB:.1f} GiB: checkpoints of "
        f"{disk.checkpoint / _GIB:.2f} GiB, {disk.checkpoints / _GIB:.1f} in all; finished model "
        f"{disk.model / _GIB:.1f}; token rows {disk.tokens / _GIB:.2f}"
    ]


def _clock(seconds: float) -> str:
    if seconds < 3600:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"
