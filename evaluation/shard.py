"""Which part of the work this process does, where several share an evaluation.

They are started by ``launch.processes``, by torchrun, or as the tasks of one ``srun``; they only
share the folder, so that any number on any number of nodes will do.
"""

import os
from typing import NamedTuple


class Shard(NamedTuple):
    """One process among those that share the work."""

    rank: int
    processes: int
    local_rank: int
    """Among those of this machine: the number of its GPU."""


def this_shard() -> Shard:
    """Return this process' share, from the environment; all of the work where it is alone.

    Slurm's variables count inside ``srun`` alone: a batch script's own shell has them too.
    """
    names = (
        ("RANK", "WORLD_SIZE", "LOCAL_RANK"),
        ("SLURM_PROCID", "SLURM_STEP_NUM_TASKS", "SLURM_LOCALID"),
    )
    for rank, count, local in names:
        if rank in os.environ and count in os.environ:
            return Shard(
                int(os.environ[rank]), int(os.environ[count]), int(os.environ.get(local, "0"))
            )
    return Shard(0, 1, 0)
