"""Whether this machine can run a small SLURM, and how it gets there."""

import os
import shutil
import subprocess
from pathlib import Path

from ..debian import NotInstalledError, install_packages

_PROGRAMS = {
    "munged": "munge",
    "slurmctld": "slurmctld",
    "slurmd": "slurmd",
    "sbatch": "slurm-client",
    "ip": "iproute2",
}


class NoSlurmError(Exception):
    """Why there can be no SLURM here, in one line."""


def missing_packages() -> list[str]:
    """Return the Debian packages whose programs are not there."""
    path = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"
    return [name for program, name in _PROGRAMS.items() if not shutil.which(program, path=path)]


def check_machine(*, install: bool) -> None:
    """Make sure that the daemons are there and may be started.

    Args:
        install: get missing packages with apt, in a bounded time, without starting services.

    Raises:
        NoSlurmError: they are not, with the cure.
    """
    if os.geteuid() != 0:
        raise NoSlurmError("a SLURM of one's own needs root: slurmd starts jobs as their users")
    missing = missing_packages()
    if missing and not install:
        raise NoSlurmError(f"not installed: {' '.join(missing)}; LOKAL_SLURM=install gets them")
    if missing:
        try:
            install_packages(missing)
        except NotInstalledError as error:
            raise NoSlurmError(str(error)) from error


def may_isolate() -> bool:
    """Return whether this process may give each node its own network, names and processes."""
    try:
        inside = "mount --make-rprivate / && hostname probe && ip link set lo up"
        kinds = ["--mount", "--uts", "--net", "--pid", "--fork", "--mount-proc"]
        bridge = ["ip", "link", "add", "lokalprobe", "type", "bridge"]
        for command in (["unshare", *kinds, "sh", "-c", inside], bridge):
            subprocess.run(command, check=True, capture_output=True, timeout=10)
    except (OSError, subprocess.SubprocessError):
        return False
    subprocess.run(["ip", "link", "del", "lokalprobe"], check=False, capture_output=True)
    return True


def find_freezer() -> str:
    """Return the folder of the kernel's freezer (cgroups of version 1), or nothing."""
    for line in Path("/proc/mounts").read_text(encoding="utf-8").splitlines():
        _, folder, kind, options, *_ = line.split()
        if kind == "cgroup" and "freezer" in options.split(",") and os.access(folder, os.W_OK):
            return folder
    return ""
