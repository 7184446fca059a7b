"""Runs a pipeline on datatrove's local executor, quietly, in this process or in several."""

import ctypes
import os
import signal
import sys
from collections.abc import Sequence
from contextlib import redirect_stderr
from copy import deepcopy
from pathlib import Path

from datatrove.executor.local import LocalPipelineExecutor
from datatrove.pipeline.base import PipelineStep
from datatrove.utils.stats import PipelineStats
from loguru import logger
from multiprocess.context import ForkServerContext

_PR_SET_PDEATHSIG = 1


def run_pipeline(
    steps: Sequence[PipelineStep], *, num_tasks: int, num_workers: int, log_folder: Path
) -> None:
    """Run the steps over all tasks; tasks that the log folder knows as done are not run again.

    Task n is the same work however many processes share the tasks. Each task's log is
    ``logs/task_<n>.log`` in the log folder.
    """
    logger.remove()  # datatrove logs to sys.stderr from its import on
    executor = _LocalExecutor(
        pipeline=list(steps), tasks=num_tasks, workers=num_workers, logging_dir=str(log_folder)
    )
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
        with ForkServerContext().Pool(self.workers, initializer=_die_with_parent) as pool:
            for _ in pool.imap_unordered(self._run_for_rank, ranks):
                pass

    def _run_for_rank(self, rank: int, local_rank: int = 0, node_rank: int = -1) -> PipelineStats:
        """Run one task; datatrove adds sys.stderr to its log around each, here it goes again."""
        try:
            with Path(os.devnull).open("w", encoding="utf-8") as nothing, redirect_stderr(nothing):
                return super()._run_for_rank(rank, local_rank, node_rank)
        finally:
            logger.remove()


def _die_with_parent() -> None:
    """End this worker when the run is killed: it must not write while the next run does."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
