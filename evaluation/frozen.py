"""Replies that were finished before, taken as they are; nobody is asked and nothing is loaded."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from ..data.errors import UserError
from ..data.manifest import Manifest, require_whole, sha256_of_file
from ..data.progress import say
from .generations import Generations, Part

_ENDINGS = (".jsonl", ".loglikelihood.jsonl")


class Frozen(NamedTuple):
    """What a folder has of the wanted parts, and what not, each with why."""

    parts: list[Part]
    left_out: list[str]


def find_frozen(folder: Path, parts: Sequence[Part]) -> Frozen:
    """Return the parts that the folder holds for these very items and prompts.

    Raises:
        UserError: it holds none of them, or is damaged.
    """
    manifest = require_whole(folder)
    found = Frozen([], [])
    for part in parts:
        # The key is the hash of the items' file, of every prompt and of how it was asked.
        if manifest.parts.get(part.name) == part.key:
            found.parts.append(part)
        else:
            found.left_out.append(f"{part.name} ({_why(manifest, part)})")
    if not found.parts:
        raise UserError(f"{folder} has nothing to take: {', '.join(found.left_out)}")
    return found


def _why(manifest: Manifest, part: Part) -> str:
    if part.name not in manifest.parts:
        return "not answered there"
    if sha256_of_file(part.path) not in {record.sha256 for record in manifest.inputs}:
        return f"answered there from other items than {part.path}"
    return "asked there with another prompt, limit or length"


def take_frozen(generations: Generations, parts: Sequence[Part]) -> None:
    """Copy the files of the parts, byte by byte, with the counts of the day they were made."""
    folder = generations.system.frozen
    assert folder is not None
    manifest = require_whole(folder)
    for part in parts:
        say("evaluate", f"takes {part.name} from {folder}, writes {generations.file(part)}")
        counts = manifest.counts.get(part.name)
        generations.finish(
            part,
            files={
                ending: path.read_text(encoding="utf-8")
                for ending in _ENDINGS
                if (path := folder / f"{part.name}{ending}").is_file()
            },
            counts=counts if isinstance(counts, dict) else {},
            inputs=[folder, part.path],
            started_at=datetime.fromisoformat(manifest.started_at),
            finished_at=datetime.fromisoformat(manifest.finished_at),
        )
