"""Whether a checkpoint's folder is whole: every file by the manifest, the manifest by its seal."""

from pathlib import Path

from ..data.errors import UserError
from ..data.manifest import (
    MANIFEST_NAME,
    Manifest,
    find_damage,
    read_manifest,
    sha256_of_file,
    write_text,
)

_SEAL_NAME = "manifest.sha256"


def find_problems(folder: Path, *, deep: bool, share: slice = slice(None)) -> list[str]:
    """Return one line for each thing wrong with a checkpoint; empty means whole.

    Args:
        share: the files whose content this process looks at.
    """
    try:
        manifest = read_manifest(folder)
    except UserError as error:
        return [str(error)]
    if manifest is None:
        return [f"{folder} has no {MANIFEST_NAME}"]
    seal = folder / _SEAL_NAME
    if not seal.is_file() or seal.read_bytes() != _seal_bytes(folder):
        return [f"{folder / MANIFEST_NAME} is not the one that was written"]
    problems = find_damage(folder, manifest, deep=False)
    return problems or (find_damage(folder, _only(manifest, share)) if deep else [])


def write_seal(folder: Path) -> None:
    """Write the hash of the manifest, which has the hashes of all other files."""
    write_text(folder / _SEAL_NAME, _seal_bytes(folder).decode())


def _seal_bytes(folder: Path) -> bytes:
    return (sha256_of_file(folder / MANIFEST_NAME) + "\n").encode()


def _only(manifest: Manifest, share: slice) -> Manifest:
    manifest.outputs = manifest.outputs[share]
    return manifest
