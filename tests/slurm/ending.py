"""Ends a small SLURM, in whichever process it was started, and takes its traces away."""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import time
import zlib
from pathlib import Path

from .packages import find_freezer
from .settings import Settings

PATH = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"
_HOSTS = Path("/etc/hosts")


def stop(folder: Path) -> None:
    """End the SLURM of this folder, only processes that it noted, and remove the folder."""
    if not (folder / "slurm.conf").is_file():
        return
    _cancel_jobs(folder)
    file = folder / "pids.json"
    noted = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
    ours = {name: pid for name, (pid, start) in noted.items() if started_at(pid) == start}
    # A node's first process takes all others of it along; munge goes last, the rest needs it.
    order = {"slurmctld": 0, "munged": 3}
    for name in sorted(ours, key=lambda name: order.get(name, 1 if name.endswith(".init") else 2)):
        _end(ours[name], hard=name.endswith(".init"))
    if _has_link(bridge_of(folder)):
        ip("link", "del", bridge_of(folder))
    _forget_nodes(folder)
    if freezer := find_freezer():
        _remove_groups(Path(freezer) / folder.name)
    shutil.rmtree(folder)


def _cancel_jobs(folder: Path) -> None:
    environment = os.environ | {"SLURM_CONF": str(folder / "slurm.conf"), "PATH": PATH}

    def call(*command: str) -> str:
        with contextlib.suppress(subprocess.SubprocessError, OSError):
            return subprocess.run(
                command, env=environment, capture_output=True, text=True, timeout=10
            ).stdout
        return ""

    jobs = call("squeue", "--noheader", "--format=%A").split()
    if not jobs:
        return
    call("scancel", *jobs)
    end = time.monotonic() + 20
    while call("squeue", "--noheader", "--format=%A").split() and time.monotonic() < end:
        time.sleep(0.2)


def _end(pid: int, *, hard: bool = False) -> None:
    """End one process, and wait until it is gone."""
    for number in (signal.SIGKILL,) if hard else (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)
        end = time.monotonic() + 10
        while time.monotonic() < end:
            with contextlib.suppress(ChildProcessError):
                os.waitpid(pid, os.WNOHANG)  # where it is a child of this process
            if not started_at(pid):
                return
            time.sleep(0.05)


def started_at(pid: int) -> str:
    """Return when a process started, in the kernel's ticks; nothing if it has ended."""
    with contextlib.suppress(OSError):
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(") ")[2].split()
        return "" if fields[0] in "ZX" else fields[19]
    return ""


def bridge_of(folder: Path) -> str:
    return f"lk{zlib.crc32(str(folder).encode()):x}"


def _has_link(name: str) -> bool:
    return Path(f"/sys/class/net/{name}").exists()


def ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True, env={"PATH": PATH})


def _mark(folder: Path) -> str:
    return f"# {bridge_of(folder)}"


def name_nodes(settings: Settings) -> None:
    with _HOSTS.open("a", encoding="utf-8") as stream:
        for name in settings.names:
            stream.write(f"{settings.address(name)} {name} {_mark(settings.folder)}\n")


def _forget_nodes(folder: Path) -> None:
    lines = _HOSTS.read_text(encoding="utf-8").splitlines(keepends=True)
    kept = [line for line in lines if _mark(folder) not in line]
    if kept != lines:
        _HOSTS.write_text("".join(kept), encoding="utf-8")  # in place: it may be a mount


def _remove_groups(top: Path) -> None:
    if top.is_dir():
        for folder, _, _ in os.walk(top, topdown=False):
            with contextlib.suppress(OSError):  # a process is still ending in it
                Path(folder).rmdir()
