"""Runs the stages on datatrove's executors: in this process, in several, or as SLURM arrays."""

import multiprocessing
import os
import signal
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import redirect_stderr
from copy import deepcopy
from pathlib import Path
from threading import Thread

from datatrove.executor.local import LocalPipelineExecutor
from datatrove.utils.stats import PipelineStats
from loguru import logger

from .errors import RunError
from .settings import Engine, EngineKind
from .slurm_engine import run_on_slurm
from .stage import Stage, log_folder


def run_stages(
    stages: Sequence[Stage], *, work: Path, engine: Engine, num_workers: int, label: str
) -> None:
    """Run all stages in order; tasks that are marked as done in the work folder are left alone.

    Raises:
        UserError: what a step found wrong in its input.
        RunError: a SLURM job ended without its work done, or a worker was killed.
    """
    logger.remove()  # datatrove logs to sys.stderr from its import on
    if engine.kind is EngineKind.slurm:
        run_on_slurm(stages, work=work, engine=engine, label=label)
        return
    for stage in stages:
        workers = min(num_workers, stage.num_tasks)
        executor = _LocalExecutor(
            pipeline=list(stage.steps),
            tasks=stage.num_tasks,
            workers=workers,
            logging_dir=str(log_folder(work, stage)),
        )
        with stage.bar(label=label):
            executor.run()


class _LocalExecutor(LocalPipelineExecutor):
    """datatrove's executor without its manager process, which outlives a killed run."""

    def run(self) -> None:
        """Run what is not done yet; with one worker in this process."""
        self.save_executor_as_json()
        ranks = self.get_incomplete_ranks()
        if self.workers == 1:
            pipeline = self.pipeline
            for rank in ranks:
                self.pipeline = deepcopy(pipeline)
                self._run_for_rank(rank)
            return
        pool = ProcessPoolExecutor(
            self.workers,
            mp_context=multiprocessing.get_context("forkserver"),
            initializer=_live_with_parent,
        )
        with pool:
            try:
                for task in as_completed([pool.submit(self._run_for_rank, rank) for rank in ranks]):
                    task.result()
            except BrokenProcessPool as error:
                raise RunError(
                    "a worker process was killed, mostly for want of memory: run the same command "
                    f"to go on, with fewer than engine.workers={self.workers} if it happens again"
                ) from error
            except BaseException:
                _end_workers(pool)
                raise

    def _run_for_rank(self, rank: int, local_rank: int = 0, node_rank: int = -1) -> PipelineStats:
        """Run one task; datatrove adds sys.stderr to its log around each, here it goes again."""
        try:
            with Path(os.devnull).open("w", encoding="utf-8") as nothing, redirect_stderr(nothing):
                return super()._run_for_rank(rank, local_rank, node_rank)
        finally:
            logger.remove()


def _live_with_parent() -> None:
    """Leave Ctrl-C to the parent, and end with it: no worker may write while the next run does."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    assert parent is not None

    def follow() -> None:  # prctl would follow the fork server, which lives as long as its workers
        parent.join()
        os.kill(os.getpid(), signal.SIGKILL)

    Thread(target=follow, daemon=True).start()


def _end_workers(pool: ProcessPoolExecutor) -> None:
    """End the workers at once: what they were at is done again from its start by the next run."""
    pool.shutdown(wait=False, cancel_futures=True)
    for worker in multiprocessing.active_children():
        worker.terminate()
