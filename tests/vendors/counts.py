"""What the server has done and billed; kept in a file, if one is named."""

import json
import threading
from collections import Counter
from pathlib import Path

from .said import Tokens


class Counts:
    """Counts that several threads add to.

    ``billed`` are answers that were sent whole, ``lost`` those that were made and cut off on
    purpose (a vendor bills them too, but the client cannot know), ``batched`` those of batches.
    """

    def __init__(self, file: Path | None = None) -> None:
        self._file = file
        self._lock = threading.Lock()
        kept = json.loads(file.read_text("utf-8")) if file is not None and file.is_file() else {}
        self._requests = Counter(kept.get("requests", {}))
        self._statuses = Counter(kept.get("statuses", {}))
        self._tokens: dict[str, dict[str, Counter]] = {
            kind: {name: Counter(found) for name, found in kept.get(kind, {}).items()}
            for kind in ("billed", "lost", "batched")
        }

    def arrive(self, vendor: str, on: str) -> int:
        """Count a request; return its number among those of its kind and vendor, from 0."""
        with self._lock:
            number = self._requests[f"{vendor} {on}"]
            self._requests[f"{vendor} {on}"] += 1
            self._keep()
        return number

    def status(self, code: int) -> None:
        with self._lock:
            self._statuses[str(code)] += 1
            self._keep()

    def bill(self, vendor: str, model: str, tokens: Tokens, *, kind: str = "billed") -> None:
        with self._lock:
            found = self._tokens[kind].setdefault(f"{vendor} {model}", Counter())
            found["answers"] += 1
            for name, value in tokens._asdict().items():
                found[name] += value
            self._keep()

    def told(self) -> dict:
        """Return all counts."""
        with self._lock:
            return self._told()

    def _told(self) -> dict:
        return {
            "requests": dict(self._requests),
            "statuses": dict(self._statuses),
            **{
                kind: {name: dict(found) for name, found in of.items()}
                for kind, of in self._tokens.items()
            },
        }

    def _keep(self) -> None:
        if self._file is not None:
            partial = self._file.with_name(f"{self._file.name}.partial")
            partial.write_text(json.dumps(self._told()), encoding="utf-8")
            partial.replace(self._file)
