"""The folder of one system's replies: it grows by suite, split and language, and redoes nothing."""

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from ..data.cost_ledger import LEDGER_NAME
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
from ..data.suite import ITEMS_PREFIX, MissingItems, Suite, expand_suite, held_files
from .item import Item
from .items import find_items, read_items
from .system import Kind, System


class Part(NamedTuple):
    """The replies to one suite's split in one language."""

    name: str
    """``sib200-id``; other splits than test, and a limit, say so: ``sib200_dev@50-id``."""
    suite: Suite
    split: str
    language: str
    items: list[Item]
    path: Path
    """The file with the items."""
    key: str


class Plan(NamedTuple):
    """What is to be answered, and which benchmarks of a choice are left out."""

    parts: list[Part]
    skipped: list[tuple[str, str]]
    """Benchmark and language."""


def part_name(suite: str, *, split: str, language: str, limit: int = 0) -> str:
    """Return the name of a part and, with ``.jsonl``, of its file."""
    chosen = f"@{limit}" if limit else ""
    return f"{suite}{'' if split == 'test' else f'_{split}'}{chosen}-{language}"


def plan_parts(
    system: System,
    suite: Suite,
    *,
    split: str,
    languages: Sequence[str],
    items_root: Path | None = None,
    skip_missing: bool = False,
) -> Plan:
    """Return the parts of a suite or of a choice of suites, in order.

    A benchmark of a choice that a language does not have is left out; so is, with
    ``skip_missing``, one that is not there at all. A choice with languages serves these alone.

    Raises:
        UserError: no such region, split or items; nothing is left.
    """
    plan = Plan([], [])
    is_choice = bool(suite.members)
    for member, limit in expand_suite(suite):
        if system.recording is not None and system.recording.suite != member.name:
            continue
        for language in languages:
            if suite.languages and language not in suite.languages:
                continue
            try:
                plan.parts.append(
                    _plan_part(system, member, split, language, items_root=items_root, limit=limit)
                )
            except MissingItems as error:
                if not is_choice or not (
                    skip_missing or _is_elsewhere(member, split, language, items_root)
                ):
                    cure = "; or skip_missing=true to go on without" if is_choice else ""
                    raise UserError(f"{error}{cure}") from error
                plan.skipped.append((member.name, language))
    if not plan.parts:
        raise UserError(f"suite {suite.name} has no items in {', '.join(languages)}")
    return plan


def _plan_part(
    system: System,
    suite: Suite,
    split: str,
    language: str,
    *,
    items_root: Path | None,
    limit: int,
) -> Part:
    path = find_items(suite, split=split, language=language, items_root=items_root)
    items = read_items(suite, split=split, language=language, items_root=items_root, limit=limit)
    content: dict[str, Json] = {
        "system": system.key,
        "items": sha256_of_file(path),
        "choices": [list(item.choices) for item in items[:1]],
        "limit": limit,
    }
    if system.kind is not Kind.recorded:
        content["asked"] = sha256_of_json([_asked(item) for item in items])
        content["protocol"] = [suite.is_generated, suite.likelihood.value, suite.max_new_tokens]
    name = part_name(suite.name, split=split, language=language, limit=limit)
    return Part(name, suite, split, language, items, path, sha256_of_json(content))


def require_asked_from(path: Path, manifest: Manifest, *, part: str) -> None:
    """Refuse replies to other items than those that the file holds now.

    Raises:
        UserError: the file has changed since the part was asked from it.
    """
    if sha256_of_file(path) not in {record.sha256 for record in manifest.inputs}:
        raise UserError(
            f"{path} is not the file that {part} of {manifest.config.get('system')} was asked "
            "from: bring that file back, or run evaluate again"
        )


def asked_sha256(item: Item) -> str:
    """Return the hash of an item's whole prompt as text, for systems that make its tokens."""
    return sha256_of_json(_asked(item))


def _asked(item: Item) -> Json:
    return [[message["role"], message["content"]] for message in item.messages]


def _is_elsewhere(suite: Suite, split: str, language: str, items_root: Path | None) -> bool:
    """Return whether the items are there in another language, and in this one there are none."""
    if suite.hub is not None:
        return language not in suite.languages
    if suite.items.get(split, "").startswith(ITEMS_PREFIX) and items_root is None:
        return False
    return bool(held_files(suite, split=split, items_root=items_root))


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

    def reload(self) -> "Generations":
        """Return the folder with what other processes have finished meanwhile."""
        return Generations(self.folder, self.system, read_manifest(self.folder))

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


def added_damage(folder: Path, manifest: Manifest) -> list[str]:
    """Return a line for each file that is not as the manifest says; the ledger may have grown."""
    return [line for line in find_damage(folder, manifest) if LEDGER_NAME not in line]


def record_again(folder: Path, manifest: Manifest, *, finished_at: datetime) -> Manifest:
    """Write a folder's manifest again, of the same parts, over files that came in beside them.

    Raises:
        UserError: a file that it holds already is not as it was.
    """
    if damage := added_damage(folder, manifest):
        raise UserError(f"{damage[0]}: restore it from a copy")
    return write_manifest(
        folder,
        recipe=manifest.recipe,
        key=manifest.key,
        config=manifest.config,
        inputs=[path for record in manifest.inputs if (path := Path(record.path)).exists()],
        counts=manifest.counts,
        licences=manifest.licences,
        parts=manifest.parts,
        started_at=datetime.fromisoformat(manifest.started_at),
        finished_at=finished_at,
    )
