"""A real ``lokal review`` on a run made by hand, as a process that can be killed."""

import re
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from ..comparison.made_run import MadeRun

_SECONDS_TO_START = 60


class ServedReview:
    """The process and its links; ``kill`` and ``start`` as often as one likes."""

    def __init__(self, made: MadeRun, *words: str) -> None:
        self._made, self._words = made, words
        self.folder = made.root / "x/review"
        self._process: subprocess.Popen[str] | None = None
        self.links: dict[str, str] = {}
        self._port = 0

    def start(self) -> None:
        """Start it, on the port of the first time, and read its links."""
        log = self._made.folder / "review.log"
        command = [
            *(sys.executable, "-m", "lokal.recipes.review"),
            *("--config-dir", str(self._made.folder / "configs")),
            *(f"root={self._made.root}", f"items_root={self._made.items}", "name=x"),
            *(f"port={self._port}", *self._words),
        ]
        with log.open("w") as stream:
            self._process = subprocess.Popen(command, stdout=stream, stderr=stream, text=True)
        began = time.monotonic()
        while time.monotonic() - began < _SECONDS_TO_START:
            said = log.read_text("utf-8")
            found = re.findall(r"\[review\] ([^:\n]+): (http://\S+/)\n", said)
            if found and said.endswith("\n") and len(found) > self._made_links():
                self.links = dict(found)
                self._port = int(re.findall(r":(\d+)/", found[0][1])[0])
                return
            if self._process.poll() is not None:
                raise AssertionError(said)
            time.sleep(0.05)
        raise AssertionError(f"it did not start: {log.read_text('utf-8')}")

    def _made_links(self) -> int:
        names = re.findall(r"\[([^\]]+)\]", " ".join(w for w in self._words if "reviewers" in w))
        return sum(len(several.split(",")) for several in names)

    @property
    def owner(self) -> str:
        """Return the link to all votes."""
        return self.links["all votes, agreement, export"]

    def kill(self) -> None:
        """End it at once, as a power cut would."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def stop(self) -> None:
        """End it as Ctrl-C would."""
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()
            self._process.wait(timeout=20)


def made_review(
    folder: Path,
    count: int,
    *,
    codes: Sequence[str] = ("id", "hi", "tl"),
) -> MadeRun:
    """Return a run with open questions in three scripts, compared once."""
    made = MadeRun(folder)
    words = {"id": "Pasar pagi ramai", "hi": "ज़िला अस्पताल, क्‍षमा", "tl": "Kumain na po sila"}
    rows = {
        code: [
            {"id": f"q/{k}", "prompt": f"{words[code]} {k}?", "rubric": ["polite", "short"]}
            for k in range(count)
        ]
        for code in codes
    }
    made.suite("q", rows, format="open", task="open", protect=["prompt"])
    for code in codes:
        for system, more in (("parent", "one two three"), (f"child-{code}", "four five six")):
            texts = {f"q/{k}": f"{words[code]} {more} {k}" for k in range(count)}
            made.replies(system, "q", code, texts)
    made.compare("suite=q", f"regions=[{','.join(codes)}]", gates=["script"])
    return made
