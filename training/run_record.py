"""``run.json``: the work that a run folder is for, so that changed settings are refused by name."""

import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

from .. import __version__
from ..data.errors import UserError
from ..data.manifest import Json, record_input, sha256_of_json, work_key, write_json
from ..data.progress import say

RUN_NAME = "run.json"
_OF_MODEL = "checkpoint"


@dataclass(frozen=True, slots=True)
class Work:
    """Everything that decides a run's result.

    Args:
        settings: nested, without what has no effect on the result.
        inputs: hash of each corpus' manifest, by its path.
    """

    settings: Mapping[str, Json]
    inputs: Mapping[str, str]
    key: str

    @classmethod
    def of(cls, settings: Mapping[str, Json], corpora: Sequence[Path]) -> "Work":
        """Return the work of these settings on these finished corpora.

        Raises:
            UserError: a corpus is unfinished.
        """
        inputs = {str(corpus): record_input(corpus).sha256 for corpus in corpora}
        return cls(settings, inputs, key=work_key("finetune", settings, corpora))


@dataclass(frozen=True, slots=True)
class RunRecord:
    """What is known of a run from its first start on."""

    run_id: str
    """Stays the same after a stop or a kill; W&B's run id."""
    key: str
    """Of the work that the run began with: what its checkpoints carry."""
    settings: Mapping[str, Json]
    inputs: Mapping[str, str]
    version: str

    @classmethod
    def read(cls, folder: Path) -> "RunRecord | None":
        """Return the folder's record; None before its first start."""
        path = folder / RUN_NAME
        if not path.is_file():
            return None
        return cls(**json.loads(path.read_text(encoding="utf-8")))

    def write(self, folder: Path) -> None:
        """Write the record whole or not at all."""
        write_json(
            folder / RUN_NAME,
            {
                "run_id": self.run_id,
                "key": self.key,
                "settings": dict(self.settings),
                "inputs": dict(self.inputs),
                "version": self.version,
            },
        )


def refuse_changes(folder: Path, work: Work, *, accepted: Sequence[str], overwrite: bool) -> None:
    """Refuse to go on with other data or settings than the run began with.

    Args:
        accepted: names of what may differ: setting keys, ``corpus``, ``checkpoint``, ``version``.
        overwrite: begin anew instead; nothing is refused.

    Raises:
        UserError: names what differs, with both values.
    """
    before = RunRecord.read(folder)
    if before is None or overwrite or not _has_checkpoints(folder):
        return
    found = {name: text for name, text in _differences(before, work) if name not in accepted}
    if not found:
        return
    raise UserError(
        f"{folder} was begun with other settings: {'; '.join(found.values())}. Give the old value "
        f"to go on, choose another name=, begin anew with overwrite=true, or go on all the same "
        f"with 'accept_changes=[{','.join(found)}]'"
    )


def begin_run(folder: Path, work: Work, *, overwrite: bool, name: str) -> None:
    """Note the work in the folder before the first step; a run that goes on keeps its identity.

    With ``overwrite`` the checkpoints of other work are removed.
    """
    before = RunRecord.read(folder)
    changed = before is not None and any(_differences(before, work))
    if before is not None and not (changed and (overwrite or not _has_checkpoints(folder))):
        run_id, key = before.run_id, before.key
    else:
        if changed:
            say("train", f"begins {folder} anew: its settings or data have changed")
        shutil.rmtree(folder / "checkpoints", ignore_errors=True)
        started = datetime.now(UTC).isoformat()
        run_id = f"{name.replace('/', '-')}-{sha256_of_json([work.key, started])[:8]}"
        key = work.key
    RunRecord(run_id, key, work.settings, work.inputs, __version__).write(folder)


def _has_checkpoints(folder: Path) -> bool:
    return any((folder / "checkpoints").glob("step-*/manifest.json"))


def _differences(before: RunRecord, work: Work) -> Iterator[tuple[str, str]]:
    """Yield the name of each thing that differs, and a phrase with both values."""
    old, new = dict(_flat(before.settings)), dict(_flat(work.settings))
    if old.pop(_OF_MODEL, None) != new.pop(_OF_MODEL, None):
        yield _OF_MODEL, "the parent checkpoint's files have changed"
    for name in sorted(old.keys() | new.keys()):
        if old.get(name) != new.get(name):
            yield name, f"{name} was {_shown(old.get(name))}, is {_shown(new.get(name))}"
    if changed := [
        path for path, hash in work.inputs.items() if hash not in before.inputs.values()
    ]:
        yield "corpus", f"the corpus {changed[0]} has changed"
    elif len(before.inputs) != len(work.inputs):
        yield "corpus", f"there were {len(before.inputs)} corpora, are {len(work.inputs)}"
    if before.version != __version__:
        yield "version", f"lokal was {before.version}, is {__version__}"


def _flat(settings: Mapping[str, Json], prefix: str = "") -> Iterator[tuple[str, Json]]:
    for name, value in settings.items():
        is_open = isinstance(value, dict) and value and name != _OF_MODEL
        if is_open:
            yield from _flat(cast("dict[str, Json]", value), f"{prefix}{name}.")
        else:
            yield prefix + name, value


def _shown(value: Json) -> str:
    return "not set" if value is None else json.dumps(value, ensure_ascii=False)
