"""Runs a pipeline on datatrove's local executor, with its log in files and not in the terminal."""

import os
from collections.abc import Sequence
from contextlib import redirect_stderr
from pathlib import Path

from datatrove.executor.local import LocalPipelineExecutor
from datatrove.pipeline.base import PipelineStep
from datatrove.utils.stats import PipelineStats
from loguru import logger


def run_pipeline(
    steps: Sequence[PipelineStep], *, num_tasks: int, num_workers: int, log_folder: Path
) -> None:
    """Run the steps over all tasks; tasks that the log folder knows as done are not run again.

    Task n is the same work however many processes share the tasks. Each task's log is
    ``logs/task_<n>.log`` in the log folder.
    """
    logger.remove()  # datatrove logs to sys.stderr from its import on
    executor = _QuietExecutor(
        pipeline=list(steps), tasks=num_tasks, workers=num_workers, logging_dir=str(log_folder)
    )
    executor.run()


class _QuietExecutor(LocalPipelineExecutor):
    """datatrove adds sys.stderr to its log around each task: here and in the workers, it goes."""

    def _run_for_rank(self, rank: int, local_rank: int = 0, node_rank: int = -1) -> PipelineStats:
        try:
            with Path(os.devnull).open("w", encoding="utf-8") as nothing, redirect_stderr(nothing):
                return super()._run_for_rank(rank, local_rank, node_rank)
        finally:
            logger.remove()
