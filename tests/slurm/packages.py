"""Whether this machine can run a small SLURM, and how it gets there."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_PROGRAMS = {
    "munged": "munge",
    "slurmctld": "slurmctld",
    "slurmd": "slurmd",
    "sbatch": "slurm-client",
    "ip": "iproute2",
}
_POLICY = Path("/usr/sbin/policy-rc.d")
_APT_SECONDS = {"update": 90, "install": 240}


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
        _install(missing)


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


def _install(names: list[str]) -> None:
    if shutil.which("apt-get") is None:
        raise NoSlurmError(f"not installed: {' '.join(names)}; this machine has no apt-get")
    quick = ["-o", "Acquire::http::Timeout=10", "-o", "Acquire::Retries=1"]
    calls = {
        "update": ["apt-get", *quick, "update"],
        "install": ["apt-get", *quick, "install", "-y", "--no-install-recommends", *names],
    }
    with _no_services():
        for what, command in calls.items():
            try:
                subprocess.run(
                    command,
                    env=os.environ | {"DEBIAN_FRONTEND": "noninteractive"},
                    stdin=subprocess.DEVNULL,
                    capture_output=True,
                    timeout=_APT_SECONDS[what],
                    check=True,
                )
            except subprocess.TimeoutExpired as error:
                raise NoSlurmError(f"apt-get {what} took over {error.timeout:.0f} s") from error
            except subprocess.CalledProcessError as error:
                lines = error.stderr.decode(errors="replace").strip().splitlines() or ["no reason"]
                raise NoSlurmError(f"apt-get {what}: {lines[-1]}") from error


@contextmanager
def _no_services() -> Iterator[None]:
    """Keep Debian's packages from starting their daemons while the body runs."""
    if _POLICY.exists():
        yield
        return
    _POLICY.write_text("#!/bin/sh\nexit 101\n", encoding="ascii")
    _POLICY.chmod(0o755)
    try:
        yield
    finally:
        _POLICY.unlink()
