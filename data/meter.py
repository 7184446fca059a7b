"""How far the readers are, told through small files, so that one bar shows all processes."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread
from types import TracebackType
from typing import TYPE_CHECKING, NoReturn

from .progress import progress_bar

if TYPE_CHECKING:
    from tqdm import tqdm

_SECONDS_BETWEEN_WRITES = 0.5


class Meter:
    """One reader's side: writes how many bytes are read, twice a second at most."""

    def __init__(self, folder: Path, *, rank: int) -> None:
        self._file = folder / f"{rank:05d}"
        self._position = 0
        self._written_at = 0.0

    def __enter__(self) -> "Meter":
        self._file.parent.mkdir(parents=True, exist_ok=True)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._write()

    def at(self, position: int) -> None:
        """Say how many bytes are read by now."""
        self._position = position
        if time.monotonic() - self._written_at >= _SECONDS_BETWEEN_WRITES:
            self._write()

    def _write(self) -> None:
        self._file.write_text(str(self._position), encoding="ascii")
        self._written_at = time.monotonic()


@contextmanager
def show_meters(folder: Path, *, total_bytes: int, label: str) -> Iterator[None]:
    """Show one bar over all meters of the folder while the body runs; total 0 means unknown."""
    stop = Event()
    total_kb = -(-total_bytes // 1000) or None
    with progress_bar(total=total_kb, label=label, unit="kB") as bar:
        thread = Thread(target=_follow, args=(bar, folder, stop), daemon=True)
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join()


def _follow(bar: "tqdm[NoReturn]", folder: Path, stop: Event) -> None:
    stopped = False
    while not stopped:
        stopped = stop.wait(_SECONDS_BETWEEN_WRITES)
        read_kb = -(-sum(_read(file) for file in folder.glob("*")) // 1000)
        bar.update(read_kb - bar.n)


def _read(file: Path) -> int:
    text = file.read_text(encoding="ascii")
    return int(text) if text else 0  # empty while its reader is writing it
