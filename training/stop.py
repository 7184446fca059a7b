"""The request to stop: a signal or a file, read at step boundaries and agreed by all processes."""

import signal
from pathlib import Path
from types import FrameType, TracebackType


class StopRequest:
    """Remembers SIGTERM and SIGUSR1 while it is entered, and looks for the run's ``stop`` file.

    A signal sets a flag and does nothing else: saving in a handler hangs now and then. A second one
    changes nothing, since schedulers and launchers often send it twice. SIGINT (Ctrl-C) is not
    taken: it ends the run at once, and the last checkpoint is whole.

    Args:
        stop_file: create it to make the run save and end at its next step.
    """

    _SIGNALS = (signal.SIGTERM, signal.SIGUSR1)

    def __init__(self, stop_file: Path) -> None:
        self._stop_file = stop_file
        self._is_set = False
        self._previous: dict[int, object] = {}

    def __enter__(self) -> "StopRequest":
        """Take over the signals."""
        for number in self._SIGNALS:
            self._previous[number] = signal.signal(number, self._remember)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Give the signals back."""
        for number, handler in self._previous.items():
            signal.signal(number, handler)  # pyright: ignore[reportArgumentType]

    def is_set(self) -> bool:
        """Return whether this process was asked to stop; the loop adds up all answers."""
        return self._is_set or self._stop_file.exists()

    def clear(self) -> None:
        """Take the file away, so that the next start goes on; the first process does."""
        self._stop_file.unlink(missing_ok=True)

    def _remember(self, number: int, frame: FrameType | None) -> None:
        del number, frame
        self._is_set = True
