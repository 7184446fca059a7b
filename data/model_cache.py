"""Folders of models that are made once and kept: where they lie, and how they are made whole."""

import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from .manifest import Json, read_manifest, work_key, write_manifest
from .progress import say


def cache_folder() -> Path:
    """Return where made models are kept: ``$LOKAL_CACHE``, or ``~/.cache/lokal``."""
    return Path(os.environ.get("LOKAL_CACHE", "~/.cache/lokal")).expanduser().resolve()


def make_once(
    folder: Path,
    make: Callable[[Path], None],
    *,
    recipe: str,
    config: Mapping[str, Json],
    inputs: Sequence[Path],
    licences: Sequence[str],
    says: str,
) -> Path:
    """Return the folder, made first where this very work is not finished in it.

    Args:
        make: writes the files into an empty folder.
        says: the line printed before it is made.
    """
    key = work_key(recipe, config, inputs)
    if _is_there(folder, key):
        return folder
    say("model", says)
    started_at = datetime.now(UTC)
    temporary = folder.with_name(f".{folder.name}.{os.getpid()}.tmp")
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir(parents=True)
    make(temporary)
    write_manifest(
        temporary,
        recipe=recipe,
        key=key,
        config=config,
        inputs=inputs,
        licences=licences,
        started_at=started_at,
        finished_at=datetime.now(UTC),
    )
    if _is_there(folder, key):  # another process was quicker
        shutil.rmtree(temporary)
        return folder
    shutil.rmtree(folder, ignore_errors=True)
    temporary.rename(folder)
    return folder


def _is_there(folder: Path, key: str) -> bool:
    manifest = read_manifest(folder)
    return manifest is not None and manifest.key == key
