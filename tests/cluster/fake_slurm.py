"""Programs under the names of SLURM's that note their arguments and do what a test says."""

from pathlib import Path


class Fakes:
    """A folder of such programs, for PATH."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()

    def add(self, name: str, body: str) -> None:
        """Write a program; each call adds a line to its list first."""
        path = self.folder / name
        path.write_text(f'#!/bin/bash\necho "$*" >>"{self.folder}/{name}.calls"\n{body}\n')
        path.chmod(0o755)

    def calls(self, name: str) -> list[str]:
        """Return the arguments of each call; a word's own line breaks are lines."""
        path = self.folder / f"{name}.calls"
        return path.read_text().split("\n")[:-1] if path.is_file() else []
