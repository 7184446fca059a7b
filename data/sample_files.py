"""The data files that ship with lokal, written ``sample:folder/file`` in a config."""

from importlib.resources import files
from pathlib import Path

from .errors import UserError

PREFIX = "sample:"


def resolve_sample(path: str) -> Path:
    """Return the file on disk that a path names; ``sample:`` stands for the shipped folder.

    Raises:
        UserError: the path leads out of the shipped folder.
    """
    if not path.startswith(PREFIX):
        return Path(path).expanduser()
    root = Path(str(files("lokal.data"))) / "samples"
    file = (root / path.removeprefix(PREFIX)).resolve()
    if not file.is_relative_to(root.resolve()):
        raise UserError(f"{path} leads out of the shipped samples: write the file's own path")
    return file
