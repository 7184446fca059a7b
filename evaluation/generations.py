"""The folder of one system's replies: it grows by suite, split and language, and redoes nothing."""

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from ..data.errors import UserError
from ..data.manifest import (
    MANIFEST_NAME,
    Json,
    Manifest,
    find_damage,
    read_manifest,
    sha256_of_file,
    sha256_of_json,
    write_manifest,
    write_text,
)
from ..data.region import load_region
from ..data.suite import Suite, items_path
from .system import Kind, System


class Part(NamedTuple):
    """The replies to one suite's split in one language."""

    name: str
    """``sib200-id``; other splits than test say so: ``sib200_dev-id``."""
    language: str
    key: str


def part_name(suite: str, *, split: str, language: str) -> str:
    """Return the name of a part and, with ``.jsonl``, of its file."""
    return f"{suite}-{language}" if split == "test" else f"{suite}_{split}-{language}"


def plan_part(system: System, suite: Suite, *, split: str, language: str) -> Part:
    """Return the part with the key that says which work it is.

    Raises:
        UserError: no such region, split or items.
    """
    path = items_path(suite, split=split, language=language)
    if not path.is_file():
        raise UserError(f"suite {suite.name} has no {split} items in {language!r}")
    instruction = load_region(language).prompt(suite.task, suite.labels)
    content: dict[str, Json] = {
        "system": system.key,
        "labels": list(suite.labels),
        "items": sha256_of_file(path),
    }
    if system.kind is Kind.checkpoint:
        content["instruction"] = instruction
    return Part(
        part_name(suite.name, split=split, language=language), language, sha256_of_json(content)
    )


@dataclass(slots=True)
class Generations:
    """A system's folder and what is finished in it."""

    folder: Path
    system: System
    manifest: Manifest | None

    @classmethod
    def open(cls, folder: Path, system: System, *, overwrite: bool) -> "Generations":
        """Return the folder's content; with ``overwrite``, replies of another system go away.

        Raises:
            UserError: the folder holds replies of another system or with other settings.
        """
        manifest = read_manifest(folder)
        if manifest is None or manifest.key == system.key:
            return cls(folder, system, manifest)
        if not overwrite:
            raise UserError(
                f"{folder} holds replies of another checkpoint or with other settings: "
                "choose another name=... or system=..., or overwrite=true to replace them"
            )
        (folder / MANIFEST_NAME).unlink()  # first: from here on the folder counts as unfinished
        shutil.rmtree(folder)
        return cls(folder, system, None)

    def missing(self, parts: Sequence[Part], *, overwrite: bool) -> list[Part]:
        """Return the parts that are not finished, or whose files are damaged.

        Raises:
            UserError: a part is finished with other items or prompts, and may not be replaced.
        """
        if self.manifest is None:
            return list(parts)
        damage = find_damage(self.folder, self.manifest, deep=False)
        found: list[Part] = []
        for part in parts:
            finished = self.manifest.parts.get(part.name)
            if finished not in (None, part.key) and not overwrite:
                raise UserError(
                    f"{self.file(part)} was made with other items or another prompt: "
                    "choose another name=..., or overwrite=true to replace it"
                )
            if finished != part.key or any(str(self.file(part, "")) in line for line in damage):
                found.append(part)
        return found

    def file(self, part: Part, ending: str = ".jsonl") -> Path:
        """Return the part's file."""
        return self.folder / f"{part.name}{ending}"

    def finish(
        self,
        part: Part,
        *,
        files: Mapping[str, str],
        counts: Mapping[str, Json],
        inputs: Sequence[Path],
        started_at: datetime,
        finished_at: datetime,
    ) -> None:
        """Write a part's files whole, then the manifest that says so.

        Args:
            part: what is finished.
            files: text by ending, as in ``{".jsonl": ...}``.
            counts: figures about this part.
            inputs: the files it was made from.
            started_at: when its work began.
            finished_at: now.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        for ending, text in files.items():
            write_text(self.file(part, ending), text)
        old = self.manifest
        earlier = [Path(record.path) for record in old.inputs] if old else []
        known = {path if path.name != MANIFEST_NAME else path.parent for path in earlier}
        self.manifest = write_manifest(
            self.folder,
            recipe="evaluate",
            key=self.system.key,
            config=self.system.facts(),
            inputs=sorted({path for path in known if path.exists()} | set(inputs)),
            counts={**(old.counts if old else {}), part.name: dict(counts)},
            licences=[self.system.licence] if self.system.licence else [],
            parts={**(old.parts if old else {}), part.name: part.key},
            started_at=datetime.fromisoformat(old.started_at) if old else started_at,
            finished_at=finished_at,
        )
