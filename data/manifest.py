"""The manifest that makes a folder finished: what was made, from what, with which settings.

A folder without ``manifest.json`` is unfinished and is never read. The file is written last,
through a temporary name, fsync and rename, so that a kill leaves either the whole manifest or none.
"""

import hashlib
import json
import os
import platform
import shutil
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TypeAlias

from .. import __version__
from .errors import UserError

MANIFEST_NAME = "manifest.json"
_SCHEMA_VERSION = 1
_UNFINISHED_ENDINGS = (".tmp", ".partial", ".partial-wal", ".partial-shm")
_PACKAGES = (
    "torch",
    "transformers",
    "peft",
    "accelerate",
    "datasets",
    "datatrove",
    "deepspeed",
    "torchtune",
    "torchao",
    "tokenizers",
    "safetensors",
    "hydra-core",
    "pyarrow",
    "numpy",
    "pycld2",
    "ftfy",
    "selectolax",
    "rensa",
    "xxhash",
)

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"


@dataclass(kw_only=True, slots=True)
class FileRecord:
    """One file: its path (relative to the folder for outputs), hash and size in bytes."""

    path: str
    sha256: str
    size_bytes: int


@dataclass(kw_only=True, slots=True)
class Manifest:
    """The content of ``manifest.json``."""

    recipe: str
    key: str
    """Hash of recipe, settings, inputs and version: equal keys mean the same work."""
    config: dict[str, Json]
    inputs: list[FileRecord]
    outputs: list[FileRecord]
    counts: dict[str, Json] = field(default_factory=dict)
    """Rows, tokens and what else the recipe counted."""
    licences: list[str] = field(default_factory=list)
    seeds: dict[str, int] = field(default_factory=dict)
    parts: dict[str, str] = field(default_factory=dict)
    """Key of each part, for folders that grow part by part (generations)."""
    code: dict[str, Json] = field(default_factory=dict)
    packages: dict[str, str] = field(default_factory=dict)
    host: str = ""
    started_at: str = ""
    finished_at: str = ""
    schema_version: int = _SCHEMA_VERSION


def sha256_of_file(path: Path) -> str:
    """Return the file's SHA-256 as 64 hex digits, read in 1 MiB pieces."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def sha256_of_json(value: Json) -> str:
    """Return the SHA-256 of the canonical JSON text (sorted keys, no spaces, UTF-8)."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def work_key(recipe: str, config: Mapping[str, Json], inputs: Iterable[Path]) -> str:
    """Return the hash that says which work this is.

    Args:
        recipe: the recipe's name.
        config: the settings that change the result (no folders, no display options).
        inputs: files that are read; a finished folder stands for itself by its manifest's hash.

    Raises:
        UserError: an input does not exist.
    """
    hashes: list[Json] = [record.sha256 for record in map(record_input, inputs)]
    return sha256_of_json(
        {"recipe": recipe, "config": dict(config), "inputs": hashes, "version": __version__}
    )


def record_input(path: Path) -> FileRecord:
    """Return the record of one input; a folder is recorded by its manifest.

    Raises:
        UserError: the path does not exist, or is a folder without a manifest.
    """
    file = path / MANIFEST_NAME if path.is_dir() else path
    if not file.is_file():
        reason = "is unfinished (no manifest.json)" if path.is_dir() else "does not exist"
        raise UserError(f"{path} {reason}: run the recipe that makes it, or correct the path")
    return FileRecord(path=str(path), sha256=sha256_of_file(file), size_bytes=file.stat().st_size)


def write_json(path: Path, value: Json) -> None:
    """Write JSON whole or not at all: temporary file, fsync, rename, fsync of the folder."""
    write_text(path, json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False) + "\n")


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 text whole or not at all."""
    temporary = path.with_name(path.name + ".tmp")
    with temporary.open("w", encoding="utf-8", newline="\n") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())
    temporary.replace(path)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make renames inside the folder survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_file(path: Path) -> None:
    """Bring a written file to the disk."""
    with path.open("rb") as stream:
        os.fsync(stream.fileno())


def read_manifest(folder: Path) -> Manifest | None:
    """Return the folder's manifest, or None where the folder is unfinished.

    Raises:
        UserError: the file is there but is not a manifest of this version.
    """
    path = folder / MANIFEST_NAME
    if not path.is_file():
        return None
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        content["inputs"] = [FileRecord(**record) for record in content["inputs"]]
        content["outputs"] = [FileRecord(**record) for record in content["outputs"]]
        return Manifest(**content)
    except (ValueError, KeyError, TypeError) as error:
        raise UserError(f"{path} is not a lokal manifest ({error}): remove the folder") from error


def write_manifest(
    folder: Path,
    *,
    recipe: str,
    key: str,
    config: Mapping[str, Json],
    inputs: Iterable[Path],
    started_at: datetime,
    finished_at: datetime,
    counts: Mapping[str, Json] | None = None,
    licences: Iterable[str] = (),
    seeds: Mapping[str, int] | None = None,
    parts: Mapping[str, str] | None = None,
) -> Manifest:
    """Hash every file of the folder and write its manifest, last of all; return it."""
    manifest = Manifest(
        recipe=recipe,
        key=key,
        config=dict(config),
        inputs=[record_input(path) for path in inputs],
        outputs=_record_outputs(folder),
        counts=dict(counts or {}),
        licences=sorted(set(licences)),
        seeds=dict(seeds or {}),
        parts=dict(parts or {}),
        code=code_version(),
        packages=package_versions(),
        host=platform.node(),
        started_at=started_at.isoformat(),
        finished_at=finished_at.isoformat(),
    )
    write_json(folder / MANIFEST_NAME, asdict(manifest))
    return manifest


def is_done(folder: Path, *, key: str, overwrite: bool = False) -> bool:
    """Return whether this very work is finished in the folder.

    Raises:
        UserError: the folder holds other finished work and may not be overwritten.
    """
    manifest = read_manifest(folder)
    if manifest is None or (overwrite and manifest.key != key):
        return False
    if manifest.key != key:
        raise UserError(
            f"{folder} holds finished work with other settings or inputs: "
            "choose another name=..., or overwrite=true to replace it"
        )
    return not find_damage(folder, manifest, deep=False)


def find_damage(folder: Path, manifest: Manifest, *, deep: bool = True) -> list[str]:
    """Return one line for each output that is missing or altered; empty means whole.

    Args:
        deep: also compare hashes, not only sizes.
    """
    problems: list[str] = []
    for record in manifest.outputs:
        path = folder / record.path
        if not path.is_file():
            problems.append(f"{path} is missing")
        elif path.stat().st_size != record.size_bytes:
            problems.append(f"{path} has {path.stat().st_size} bytes, not {record.size_bytes}")
        elif deep and sha256_of_file(path) != record.sha256:
            problems.append(f"{path} has another content than its manifest says")
    return problems


def require_whole(folder: Path) -> Manifest:
    """Return the manifest of a finished folder whose files all have the recorded hash.

    Raises:
        UserError: the folder is unfinished or damaged.
    """
    manifest = read_manifest(folder)
    if manifest is None:
        raise UserError(f"{folder} is unfinished (no manifest.json): run the recipe that makes it")
    problems = find_damage(folder, manifest)
    if problems:
        raise UserError(f"{problems[0]}: remove {folder} and make it again")
    return manifest


def package_versions() -> dict[str, str]:
    """Return the versions of the packages that can change a result."""
    versions: dict[str, str] = {}
    for name in _PACKAGES:
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            continue
    return versions


@cache
def code_version() -> dict[str, Json]:
    """Return lokal's version and, from a clone, the commit and whether files were changed."""
    root = Path(__file__).resolve().parent.parent
    if not (root / ".git").exists() or shutil.which("git") is None:
        return {"version": __version__}
    commit = _git(root, "rev-parse", "HEAD")
    changed = _git(root, "status", "--porcelain", "--untracked-files=no")
    return {"version": __version__, "commit": commit, "dirty": bool(changed)}


def _git(root: Path, *words: str) -> str:
    result = subprocess.run(
        ["git", "-C", str(root), *words], capture_output=True, text=True, check=False
    )
    return result.stdout.strip()


def _record_outputs(folder: Path) -> list[FileRecord]:
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    return [
        FileRecord(
            path=path.relative_to(folder).as_posix(),
            sha256=sha256_of_file(path),
            size_bytes=path.stat().st_size,
        )
        for path in paths
        if path.name != MANIFEST_NAME and not path.name.endswith(_UNFINISHED_ENDINGS)
    ]
