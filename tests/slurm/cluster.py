"""Starts and ends a small SLURM: munged, slurmctld, and a slurmd for each node.

Each node has its own network, host name and processes where the kernel lets us (``isolated``); if
not, all share this machine's, and their names go to ``/etc/hosts`` until the end.
"""

import contextlib
import ctypes
import json
import os
import signal
import socket
import subprocess
import sys
import time
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from .ending import PATH, bridge_of, ip, name_nodes, started_at, stop
from .packages import NoSlurmError, find_freezer, may_isolate
from .settings import Settings, write_files

_WAIT_SECONDS = 30.0
_NODE = Path(__file__).with_name("node.sh")
_KINDS = ("--mount", "--uts", "--net", "--pid", "--fork", "--kill-child", "--mount-proc")


class Cluster:
    """A running SLURM; ``SLURM_CONF`` leads its commands to it.

    Args:
        settings: what to start.
        outlives: False ends the daemons with this process, however that ends.
    """

    def __init__(self, settings: Settings, *, outlives: bool) -> None:
        isolated = settings.isolated and may_isolate()
        self.settings = replace(
            settings,
            isolated=isolated,
            subnet=_free_subnet(str(settings.folder)),
            port=_free_port(),
            freezer=find_freezer() if isolated else "",
        )
        self._outlives = outlives
        self._pids: dict[str, int] = {}

    @property
    def conf(self) -> Path:
        """Return the file that SLURM's commands are to read."""
        return self.settings.folder / "slurm.conf"

    def start(self) -> None:
        """Start all daemons and wait until every node is idle.

        Raises:
            NoSlurmError: one of them did not; all are ended.
        """
        write_files(self.settings)
        try:
            self._start_controller()
            for name in self.settings.names:
                self._start_node(name)
            self._wait("every node to register", self._is_idle)
        except (NoSlurmError, subprocess.CalledProcessError) as error:
            reason = f"{error}: {self._last_lines()}"
            self.stop()
            raise NoSlurmError(reason) from error

    def stop(self) -> None:
        """End all jobs, daemons and namespaces, and remove the folder."""
        stop(self.settings.folder)

    def run(self, *command: str) -> str:
        """Return what one of SLURM's commands prints."""
        return subprocess.run(
            list(command), env=self._environment(), capture_output=True, text=True, check=True
        ).stdout

    def kill_node(self, name: str) -> None:
        """Take the power from a node: everything on it ends at once."""
        os.kill(self._pids[f"{name}.init"], signal.SIGKILL)

    def kill_slurmd(self, name: str) -> None:
        """Kill a node's slurmd with -9; the job's processes on it live on."""
        pid = (self.settings.folder / "run" / name).read_text(encoding="ascii").strip()
        inside = ["nsenter", "--target", str(self._pids[f"{name}.init"]), "--pid", "--mount"]
        subprocess.run([*inside, "kill", "-9", pid], check=True)

    @contextlib.contextmanager
    def occupied(self, name: str, *, ports: Sequence[int]) -> Iterator[None]:
        """Listen on these ports of a node while the body runs."""
        code = "import socket, sys; s = [socket.create_server(('', int(p))) for p in sys.argv[1:]]"
        code += "; print('ready', flush=True); sys.stdin.read()"
        inside = ["nsenter", "--target", str(self._pids[f"{name}.init"]), "--net"]
        words = [*inside, sys.executable, "-c", code, *map(str, ports)]
        with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as listener:
            assert listener.stdout is not None
            assert listener.stdout.readline() == b"ready\n"
            yield
            listener.terminate()

    def _start_controller(self) -> None:
        folder, munge = self.settings.folder, self.settings.folder / "munge"
        self._launch(
            "munged",
            ["munged", "--foreground", "--force", f"--key-file={munge}/key",
             f"--socket={munge}/socket", f"--pid-file={folder}/run/munged",
             f"--log-file={folder}/log/munged.log", f"--seed-file={munge}/seed"],
        )  # fmt: skip
        probe = f"munge -n -S {munge}/socket | unmunge -S {munge}/socket"
        self._wait("munged", lambda: self._succeeds(["sh", "-c", probe]))
        if self.settings.isolated:
            bridge = bridge_of(folder)
            ip("link", "add", bridge, "type", "bridge")
            ip("addr", "add", f"{self.settings.controller}/24", "dev", bridge)
            ip("link", "set", bridge, "up")
        else:
            name_nodes(self.settings)
        self._launch("slurmctld", ["slurmctld", "-D", "-i"])
        self._wait("slurmctld", lambda: "UP" in self.run("scontrol", "ping"))

    def _start_node(self, name: str) -> None:
        settings = self.settings
        (settings.folder / "spool" / name).mkdir(exist_ok=True)
        if not settings.isolated:
            self._launch(name, ["slurmd", "-D", "-N", name])
            return
        words = [str(settings.folder), name, settings.host(name), settings.address(name)]
        self._launch(name, ["unshare", *_KINDS, str(_NODE), *words, settings.freezer])
        init = self._first_child(self._pids[name])
        self._note(f"{name}.init", init)
        cable = f"{bridge_of(settings.folder)}{name}"
        ip("link", "add", cable, "type", "veth", "peer", "name", "eth0", "netns", str(init))
        ip("link", "set", cable, "master", bridge_of(settings.folder), "up")

    def _first_child(self, pid: int) -> int:
        found: list[str] = []
        file = Path(f"/proc/{pid}/task/{pid}/children")

        def look() -> bool:
            found[:] = file.read_text(encoding="ascii").split()
            return bool(found)

        self._wait("a node's first process", look)
        return int(found[0])

    def _launch(self, name: str, command: Sequence[str]) -> None:
        with (self.settings.folder / "log" / f"{name}.out").open("wb") as log:
            process = subprocess.Popen(
                list(command),
                env=self._environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=None if self._outlives else _die_with_parent,
            )
        self._note(name, process.pid)

    def _note(self, name: str, pid: int) -> None:
        """Remember a process of ours, for whoever stops the cluster."""
        self._pids[name] = pid
        started = {name: [pid, started_at(pid)] for name, pid in self._pids.items()}
        (self.settings.folder / "pids.json").write_text(json.dumps(started), encoding="utf-8")

    def _environment(self) -> dict[str, str]:
        return os.environ | {"SLURM_CONF": str(self.conf), "PATH": PATH}

    def _succeeds(self, command: Sequence[str]) -> bool:
        return subprocess.run(command, env=self._environment(), capture_output=True).returncode == 0

    def _is_idle(self) -> bool:
        states = self.run("sinfo", "--noheader", "--partition=main", "--Node", "--format=%T")
        return states.split() == ["idle"] * self.settings.nodes

    def _wait(self, what: str, ready: Callable[[], bool]) -> None:
        end = time.monotonic() + _WAIT_SECONDS
        while time.monotonic() < end:
            with contextlib.suppress(OSError, subprocess.CalledProcessError):
                if ready():
                    return
            if ended := [name for name, pid in self._pids.items() if not started_at(pid)]:
                raise NoSlurmError(f"{ended[0]} ended while {what} was waited for")
            time.sleep(0.05)
        raise NoSlurmError(f"waited {_WAIT_SECONDS:.0f} s for {what}")

    def _last_lines(self) -> str:
        logs = sorted((self.settings.folder / "log").iterdir())
        lines = [line for log in logs for line in log.read_text(errors="replace").splitlines()[-2:]]
        return " | ".join(lines)


def _die_with_parent() -> None:
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)


def _free_subnet(text: str) -> str:
    """Return a part of the range for measurements (RFC 2544) that this machine does not use."""
    found = subprocess.run(
        ["ip", "-4", "-o", "addr"], capture_output=True, text=True, env={"PATH": PATH}
    )
    first = zlib.crc32(text.encode()) % 256
    for number in (*range(first, 256), *range(first)):
        if f" 198.18.{number}." not in found.stdout:
            return f"198.18.{number}"
    raise NoSlurmError("no free network below 198.18.0.0/16")


def _free_port() -> int:
    """Return a port below the ephemeral ones, with free ones behind it for the nodes."""
    for port in range(26000, 32000, 20):
        with contextlib.ExitStack() as stack, contextlib.suppress(OSError):
            for number in range(port, port + 10):
                stack.enter_context(_bound(number))
            return port
    raise NoSlurmError("no free ports from 26000 on")


@contextlib.contextmanager
def _bound(port: int) -> Iterator[None]:
    with socket.socket() as probe:
        probe.bind(("", port))
        yield
