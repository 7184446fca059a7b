"""What a small SLURM is like, and the files that tell its daemons so."""

import os
import secrets
import socket
from dataclasses import dataclass
from pathlib import Path

_MINUTE = 60


@dataclass(frozen=True, kw_only=True, slots=True)
class Settings:
    """A SLURM of some nodes on this machine."""

    folder: Path
    """Everything it writes; short, since the paths of sockets below it hold 107 bytes at most."""
    nodes: int = 2
    cpus: int = 2
    """That each node claims to have."""
    isolated: bool = True
    """Each node has its own network, host name, processes and hosts file."""
    foreign_names: bool = False
    """Host names differ from the names of the nodes and resolve nowhere."""
    subnet: str = "198.18.77"
    """First three parts of the nodes' network, for ``isolated``."""
    port: int = 6817
    """The controller's; in one network the nodes' follow."""
    freezer: str = ""
    """Of cgroups of version 1, where the kernel has it: SLURM then finds all processes of a job."""
    lost_seconds: int = _MINUTE
    """Without an answer from a node until it counts as down."""
    requeue_seconds: int = 6
    """Until a requeued job may start again; 120 on most clusters."""

    def __post_init__(self) -> None:
        if len(str(self.folder)) > 50 or set(str(self.folder)) & set(' \t%,#"'):
            raise ValueError(f'{self.folder}: at most 50 characters, no blanks nor any of % , # "')
        if not 1 <= self.nodes <= 9:
            raise ValueError(f"nodes must lie in [1, 9], got {self.nodes}")

    @property
    def names(self) -> list[str]:
        """Return the nodes' names."""
        return [f"n{number}" for number in range(1, self.nodes + 1)]

    @property
    def controller(self) -> str:
        """Return the address of slurmctld."""
        return f"{self.subnet}.254" if self.isolated else "127.0.0.1"

    def address(self, name: str) -> str:
        """Return the address of a node."""
        return f"{self.subnet if self.isolated else '127.0.77'}.{name[1:]}"

    def host(self, name: str) -> str:
        """Return the host name that a node has."""
        return f"rack-{name[1:]}" if self.foreign_names else name


def write_files(settings: Settings) -> None:
    """Write slurm.conf, cgroup.conf, the nodes' hosts file and munge's key."""
    folder = settings.folder
    for name in ("log", "run", "spool", "state", "munge"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    for place in (folder, folder / "munge"):
        place.chmod(0o755)  # jobs of other users reach the sockets
    key = os.open(folder / "munge" / "key", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o400)
    with os.fdopen(key, "wb") as stream:
        stream.write(secrets.token_bytes(128))
    (folder / "slurm.conf").write_text(_slurm_conf(settings), encoding="utf-8")
    (folder / "plugstack.conf").touch()
    if settings.freezer:
        (folder / "cgroup.conf").write_text(
            f"CgroupPlugin=cgroup/v1\nCgroupMountpoint={Path(settings.freezer).parent}\n"
        )
    lines = [f"{settings.address(name)} {name}" for name in settings.names]
    own = [f"{settings.controller} {socket.gethostname()}", "127.0.0.1 localhost"]
    (folder / "hosts").write_text("\n".join([*lines, *own]) + "\n", encoding="utf-8")
    (folder / "nsswitch.conf").write_text("passwd: files\ngroup: files\nhosts: files\n")
    (folder / "env.sh").write_text(f"export SLURM_CONF={folder}/slurm.conf\n", encoding="utf-8")


def _slurm_conf(settings: Settings) -> str:
    """Return the settings; what is not said is at SLURM's default, as on a careless cluster."""
    folder = settings.folder
    lines = [
        "ClusterName=lokal",
        f"SlurmctldHost=localhost({settings.controller})",
        f"SlurmctldPort={settings.port}",
        "SlurmUser=root",
        "SlurmdUser=root",
        # How long a credential lives is also how long a requeued job waits.
        f"AuthInfo=socket={folder}/munge/socket,cred_expire={settings.requeue_seconds}",
        f"StateSaveLocation={folder}/state",
        f"SlurmdSpoolDir={folder}/spool/%n",
        f"SlurmctldPidFile={folder}/run/slurmctld",
        f"SlurmdPidFile={folder}/run/%n",
        f"SlurmctldLogFile={folder}/log/slurmctld.log",
        f"SlurmdLogFile={folder}/log/%n.log",
        f"PlugStackConfig={folder}/plugstack.conf",
        f"ProctrackType=proctrack/{'cgroup' if settings.freezer else 'linuxproc'}",
        "TaskPlugin=task/none",
        "MpiDefault=none",
        "MailProg=/bin/true",
        "SelectType=select/cons_tres",
        "SelectTypeParameters=CR_CPU",
        "AccountingStorageType=accounting_storage/none",
        "JobAcctGatherType=jobacct_gather/none",
        # Looks at its queue often, so that tests need not wait.
        "SchedulerParameters=bf_interval=2,sched_interval=2,batch_sched_delay=1",
        "PreemptType=preempt/partition_prio",
        "PreemptMode=REQUEUE",
        # The signal that a job asked for comes at a preemption too.
        "SlurmctldParameters=preempt_send_user_signal",
        "SlurmdParameters=config_overrides",
        "ReturnToService=2",
        "MinJobAge=7200",
        "KillWait=10",
        "UnkillableStepTimeout=20",
        f"SlurmdTimeout={settings.lost_seconds}",
        "MessageTimeout=20",
    ]
    for number, name in enumerate(settings.names, start=1):
        port = 6818 if settings.isolated else settings.port + number
        lines.append(
            f"NodeName={name} NodeHostname={settings.host(name)} NodeAddr={settings.address(name)} "
            f"Port={port} CPUs={settings.cpus} "
            f"RealMemory={_memory_mb()} State=UNKNOWN"
        )
    return "\n".join([*lines, *_PARTITIONS]) + "\n"


def _memory_mb() -> int:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**20


_PARTITIONS = (
    "PartitionName=main Nodes=ALL Default=YES State=UP PriorityTier=10 PreemptMode=OFF",
    # A job of `high` makes those of `low` go, after the seconds of grace.
    "PartitionName=low Nodes=ALL State=UP PriorityTier=1 PreemptMode=REQUEUE GraceTime=20",
    "PartitionName=high Nodes=ALL State=UP PriorityTier=100 PreemptMode=OFF",
)
