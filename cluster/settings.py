"""Where jobs run: this machine or a SLURM cluster, and what one asks of it."""

from dataclasses import dataclass, field
from enum import Enum


class ClusterKind(Enum):
    """Who starts the processes."""

    local = "local"
    slurm = "slurm"


@dataclass(kw_only=True, slots=True)
class ClusterConfig:
    """Nodes, their GPUs, and how a job gets there."""

    kind: ClusterKind
    nodes: int = 1
    gpus_per_node: int = 0
    """0: no GPUs; ``processes_per_node`` then says how many ranks a node runs."""
    processes_per_node: int = 0
    """0: one for each GPU, else 1."""
    cpus_per_process: int = 0
    """CPU cores of one rank; 0: the site's default."""
    memory_gb_per_node: int = 0
    """Main memory; 0: the site's default."""
    price_per_gpu_hour: float | None = None
    """USD; null: that of the chosen GPU in its table, or unknown."""
    partition: str = ""
    account: str = ""
    qos: str = ""
    constraint: str = ""
    time_limit: str = ""
    """hours:minutes:seconds, or days-hours; empty: what ``lokal plan`` finds."""
    setup: list[str] = field(default_factory=list)
    """Shell lines before everything else: ``module load cuda/12.8``."""
    container: str = ""
    """Image for pyxis (``srun --container-image``) or Apptainer; empty: none."""
    container_mounts: list[str] = field(default_factory=list)
    """``/outside:/inside``; the run folder is mounted anyway."""
    environment: dict[str, str] = field(default_factory=dict)
    """Variables for every rank: NCCL_SOCKET_IFNAME, GLOO_SOCKET_IFNAME. Never a secret."""
    head_address: str = ""
    """Of the first node, where its name is not the one to connect to."""
    signal_seconds: int = 120
    """Before the time limit the job is asked to save; longer than one step and one save."""
    max_restarts: int = 20
    """Requeues of one job; then it ends and says so."""
    sbatch: dict[str, str] = field(default_factory=dict)
    """Further options of sbatch: ``{nice: "100"}``."""
    srun: dict[str, str] = field(default_factory=dict)
    """Further options of srun: ``{mpi: none}``."""

    def __post_init__(self) -> None:
        for name in ("nodes", "signal_seconds"):
            if getattr(self, name) < 1:
                raise ValueError(f"cluster.{name} must be 1 or more, got {getattr(self, name)}")
        for name in (
            "gpus_per_node",
            "processes_per_node",
            "cpus_per_process",
            "memory_gb_per_node",
            "max_restarts",
        ):
            if getattr(self, name) < 0:
                raise ValueError(f"cluster.{name} must be 0 or more, got {getattr(self, name)}")
        if self.price_per_gpu_hour is not None and self.price_per_gpu_hour < 0:
            raise ValueError(
                f"cluster.price_per_gpu_hour must be 0 or more, got {self.price_per_gpu_hour}"
            )

    @property
    def ranks_per_node(self) -> int:
        """Return how many processes of the training run on one node."""
        return self.processes_per_node or max(1, self.gpus_per_node)

    @property
    def world_size(self) -> int:
        """Return how many processes of the training run together."""
        return self.nodes * self.ranks_per_node
