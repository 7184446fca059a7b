"""Where jobs run: this machine or a SLURM cluster, and what one asks of it."""

import re
from dataclasses import dataclass, field
from enum import Enum

_SECRET = re.compile(r"(KEY|TOKEN|SECRET|PASSWORD|CREDENTIALS?)$", re.IGNORECASE)
_ASSIGNS = re.compile(r"\b(\w+)=")
_TIME_LIMIT = re.compile(r"(\d+-)?\d+(:\d{1,2}){0,2}")


class ClusterKind(Enum):
    """Who starts the processes."""

    local = "local"
    slurm = "slurm"


class ContainerRuntime(Enum):
    """What runs ``cluster.container`` on the nodes."""

    pyxis = "pyxis"
    """NVIDIA's plugin of srun: ``--container-image``."""
    apptainer = "apptainer"


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
    container_runtime: ContainerRuntime = ContainerRuntime.pyxis
    container_mounts: list[str] = field(default_factory=list)
    """``/outside:/inside``; the run folder is mounted anyway."""
    python: str = ""
    """The interpreter on the nodes, or in the container; empty: the one that submits."""
    environment: dict[str, str] = field(default_factory=dict)
    """Variables for every rank: NCCL_SOCKET_IFNAME, GLOO_SOCKET_IFNAME. Never a secret."""
    head_address: str = ""
    """Of the first node, where its name is not the one to connect to."""
    signal_seconds: int = 120
    """Before the time limit the job is asked to save; longer than one step and one save."""
    max_restarts: int = 20
    """Requeues of one job; then it ends and says so."""
    restart_failed: bool = False
    """Requeue also when a rank has died, unless it said that the settings are wrong."""
    cpu_partition: str = ""
    """For steps that need no GPU, as preparing a corpus; empty: ``partition``."""
    cpu_cores: int = 0
    """CPU cores of such a step; 0: the site's default."""
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
            "cpu_cores",
        ):
            if getattr(self, name) < 0:
                raise ValueError(f"cluster.{name} must be 0 or more, got {getattr(self, name)}")
        if self.price_per_gpu_hour is not None and self.price_per_gpu_hour < 0:
            raise ValueError(
                f"cluster.price_per_gpu_hour must be 0 or more, got {self.price_per_gpu_hour}"
            )
        if self.time_limit and not _TIME_LIMIT.fullmatch(self.time_limit):
            raise ValueError(
                f"cluster.time_limit must be hours:minutes:seconds or days-hours, as 04:00:00, got "
                f"{self.time_limit!r}"
            )
        self._refuse_secrets()

    def _refuse_secrets(self) -> None:
        """Refuse what would be written into a script that others can read."""
        named = [
            *self.environment,
            *(name for line in self.setup for name in _ASSIGNS.findall(line)),
        ]
        if found := [name for name in named if _SECRET.search(name)]:
            raise ValueError(
                f"{found[0]} looks like a secret, and the script of a job is no place for one: "
                "export it in the shell that submits, SLURM hands it on"
            )

    @property
    def ranks_per_node(self) -> int:
        """Return how many processes of the training run on one node."""
        return self.processes_per_node or max(1, self.gpus_per_node)

    @property
    def world_size(self) -> int:
        """Return how many processes of the training run together."""
        return self.nodes * self.ranks_per_node
