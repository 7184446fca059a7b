"""Where a run's votes lie and whether they have changed; light, for a run that is finished."""

from pathlib import Path

from ...data.manifest import sha256_of_file
from .votes import VOTES_NAME


def votes_folder(root: str, name: str) -> Path:
    """Return ``runs/<name>/review``, absolute."""
    return (Path(root) / name / "review").resolve()


def votes_seen(root: str, name: str) -> str:
    """Return the hash of the votes as they are now; empty where there are none."""
    path = votes_folder(root, name) / VOTES_NAME
    return sha256_of_file(path) if path.is_file() else ""
