"""A run's memory found by trying: the real model, strategy and optimizer, without their numbers.

It checks the closed formulas of ``estimate_memory`` and fills the same form. It runs in a process
of its own, since it changes how PyTorch answers, and since a mistake there must end nothing here.
"""

import importlib.util
import multiprocessing
import os
from multiprocessing.connection import Connection

from ...data.errors import RunError, UserError
from ...training.settings import AttentionKind, MethodKind, Stack, StrategyKind
from .job import PlannedJob
from .memory import MemoryParts

_TIMEOUT_SECONDS = 600.0


def dry_memory(job: PlannedJob, *, timeout_seconds: float = _TIMEOUT_SECONDS) -> MemoryParts:
    """Return what one rank needs at the worst moment of a step, the allocator's margin left out.

    Raises:
        UserError: this combination cannot be built without its numbers.
        RunError: building it failed or took too long.
    """
    if reason := why_no_dry_build(job):
        raise UserError(f"{reason}; leave dry=true out: the formulas answer")
    context = multiprocessing.get_context("spawn")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_work, args=(job, sender))
    process.start()
    sender.close()
    try:
        if not receiver.poll(timeout_seconds):
            raise RunError(
                f"the dry build did not end in {timeout_seconds:g} s: plan without dry=true"
            )
        found = receiver.recv()
    except EOFError:
        process.join()
        raise RunError(
            f"the dry build's process ended by itself (code {process.exitcode}): there may be too "
            "little main memory; plan without dry=true"
        ) from None
    finally:
        process.kill()
        process.join()
    if isinstance(found, str):
        raise RunError(f"the dry build failed ({found}): plan without dry=true")
    assert isinstance(found, MemoryParts)
    return found


def why_no_dry_build(job: PlannedJob) -> str:
    """Return what stands against it, or nothing."""
    if job.strategy.kind in (StrategyKind.zero2, StrategyKind.zero3):
        return (
            f"strategy={job.strategy.kind.name} cannot be built dry: DeepSpeed copies weights into "
            "flat buffers of its own"
        )
    if job.compiled:
        return "training.compile=true cannot be built dry: what a compiler keeps is its secret"
    if job.liger:
        return "training.liger=true cannot be built dry: its kernels need a GPU"
    if job.attention is AttentionKind.flex:
        return "training.attention=flex cannot be built dry: it needs a GPU"
    if job.stack is Stack.torchtune and job.method.kind is MethodKind.qlora:
        return (
            "method=qlora with stack=torchtune cannot be built dry: torchao's weights need values"
        )
    if job.method.kind is MethodKind.qlora and importlib.util.find_spec("bitsandbytes") is None:
        return "method=qlora cannot be built dry without bitsandbytes (pip install 'lokal[qlora]')"
    return ""


def _work(job: PlannedJob, sender: Connection) -> None:
    """Send the parts, or a line that says what went wrong."""
    with open(os.devnull, "w") as nothing:
        os.dup2(nothing.fileno(), 1)
        os.dup2(nothing.fileno(), 2)
    try:
        from .dry_step import run_dry_step

        sender.send(run_dry_step(job))
    except Exception as error:  # the other process turns it into an error of its own
        text = " ".join(str(error).split()) or "no message"
        sender.send(f"{type(error).__name__}: {text[:300]}")
