"""One run folder, one writer: ``lock.json`` says who writes, and since when.

On one machine the kernel's file lock decides, and it ends with the process however that dies. Other
machines may not see it, so the owner also touches the file every few seconds: a foreign lock that
is touched while we watch is held, one that is not touched for minutes was left by a dead process.
"""

import contextlib
import errno
import fcntl
import json
import os
import platform
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from io import TextIOWrapper
from pathlib import Path
from typing import NotRequired, TypedDict

from ..data.errors import UserError
from ..data.progress import say

LOCK_NAME = "lock.json"
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_SAME_JOB_BEATS = 3
"""How long a lock is watched that an earlier start of the same SLURM job has left on another node:
SLURM ends a job's processes before it starts the job again, unless it has lost their node."""
_NO_FILE_LOCKS = {errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP}


class Owner(TypedDict):
    """The content of ``lock.json``."""

    host: str
    machine: str
    """Differs between machines of the same name, and after a restart."""
    pid: int
    started_at: str
    job: NotRequired[str]
    """SLURM's number of the job that the process is of."""


@contextlib.contextmanager
def hold_run(
    folder: Path, *, beat_seconds: float = 15.0, patience_seconds: float = 180.0
) -> Iterator[None]:
    """Hold the folder's lock while the body runs.

    Args:
        folder: the run's.
        beat_seconds: between two touches of the file.
        patience_seconds: how long another machine's lock is watched before it counts as left
            behind; NFS may show a touch a minute late.

    Raises:
        UserError: another process holds it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / LOCK_NAME
    with _locked(path) as stream:
        owner = _read(stream)
        if owner is not None and owner["machine"] != _machine():
            seconds = _SAME_JOB_BEATS * beat_seconds if _is_same_job(owner) else patience_seconds
            _watch(path, owner, min(seconds, patience_seconds))
        _write(stream)
        ended = threading.Event()
        beat = threading.Thread(target=_beat, args=(path, ended, beat_seconds), daemon=True)
        beat.start()
        try:
            yield
        finally:
            ended.set()
            beat.join()
            path.unlink(missing_ok=True)


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[TextIOWrapper]:
    """Open the file under the kernel's lock.

    Raises:
        UserError: another process of this machine has it.
    """
    while True:
        with path.open("a+", encoding="utf-8") as stream:
            try:
                fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                if error.errno not in _NO_FILE_LOCKS:
                    raise UserError(_refusal(path, _read(stream))) from error
            if _is_at(path, stream):
                yield stream
                return
            # The owner ended in between and took its file away: ours is no longer at the path.


def _is_at(path: Path, stream: TextIOWrapper) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(stream.fileno()))
    except FileNotFoundError:
        return False


def _is_same_job(owner: Owner) -> bool:
    return bool(own := os.environ.get("SLURM_JOB_ID")) and owner.get("job") == own


def _watch(path: Path, owner: Owner, patience_seconds: float) -> None:
    """Wait until another machine's lock counts as left behind.

    Raises:
        UserError: it was touched meanwhile.
    """
    say(
        "lock",
        f"{path} belongs to process {owner['pid']} on {owner['host']}: watches for "
        f"{patience_seconds:.0f} s whether it still runs",
    )
    touched = path.stat().st_mtime_ns
    end = time.monotonic() + patience_seconds
    while time.monotonic() < end:
        time.sleep(min(1.0, patience_seconds / 10))
        if not path.exists() or path.stat().st_mtime_ns != touched:
            raise UserError(_refusal(path, owner))


def _refusal(path: Path, owner: Owner | None) -> str:
    if owner is None:
        return f"another process has just taken {path.parent}: wait for it, or choose another name="
    since = datetime.fromisoformat(owner["started_at"])
    minutes = (datetime.now(UTC) - since).total_seconds() / 60
    return (
        f"{path.parent} is written by process {owner['pid']} on {owner['host']}, for "
        f"{minutes:.0f} min: wait for it, stop it, or choose another name="
    )


def _read(stream: TextIOWrapper) -> Owner | None:
    stream.seek(0)
    try:
        return json.loads(stream.read())
    except ValueError:
        return None


def _write(stream: TextIOWrapper) -> None:
    owner = Owner(
        host=platform.node(),
        machine=_machine(),
        pid=os.getpid(),
        started_at=datetime.now(UTC).isoformat(timespec="seconds"),
        job=os.environ.get("SLURM_JOB_ID", ""),
    )
    stream.seek(0)
    stream.truncate()
    stream.write(json.dumps(owner) + "\n")
    stream.flush()
    os.fsync(stream.fileno())


def _beat(path: Path, ended: threading.Event, seconds: float) -> None:
    while not ended.wait(seconds):
        with contextlib.suppress(OSError):
            os.utime(path)


def _machine() -> str:
    boot = _BOOT_ID.read_text(encoding="ascii").strip() if _BOOT_ID.is_file() else ""
    return f"{platform.node()} {boot}"
