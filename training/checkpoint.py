"""Checkpoints: written whole or not at all, verified before use, the newest whole one wins.

``step-N/`` holds what the strategy writes (trained weights and optimizer state, as safetensors),
``rng-R.safetensors`` of each process R, ``state.json``, and the manifest last. The data position is
the step.
"""

import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from ..data.manifest import find_damage, read_manifest, sync_folder, write_json, write_manifest
from ..data.progress import say
from .strategy import Strategy


@dataclass(frozen=True, slots=True)
class Checkpoints:
    """The checkpoint folder of one run.

    Args:
        folder: ``runs/<name>/checkpoints``.
        key: the work's key; a checkpoint of other work is never resumed.
        keep: how many whole checkpoints stay.
    """

    folder: Path
    key: str
    keep: int

    def save(self, strategy: Strategy, *, step: int, started_at: datetime, now: datetime) -> None:
        """Write ``step-N`` (N steps done); every process calls it and waits until it is whole."""
        temporary = self.folder / f".step-{step}.tmp"
        if strategy.rank == 0:
            shutil.rmtree(temporary, ignore_errors=True)
            temporary.mkdir(parents=True)
        strategy.sum([0.0])
        strategy.save_state(temporary)
        save_file(_rng_tensors(), temporary / f"rng-{strategy.rank}.safetensors")
        if strategy.rank == 0:
            write_json(
                temporary / "state.json",
                {"step": step, "num_ranks": strategy.num_ranks, "key": self.key},
            )
        strategy.sum([0.0])
        if strategy.rank == 0:
            self._finish(temporary, step=step, started_at=started_at, now=now)
        strategy.sum([0.0])

    def load_newest(self, strategy: Strategy) -> int:
        """Put back the newest whole checkpoint; return its step, 0 when there is none.

        A damaged one is named and passed over.

        Raises:
            RunError: the strategy cannot go on with another number of processes.
        """
        found = self._newest(loud=strategy.rank == 0)
        if found is None:
            return 0
        state = json.loads((found / "state.json").read_text(encoding="utf-8"))
        strategy.load_state(found, num_ranks=state["num_ranks"])
        own_rng = found / f"rng-{strategy.rank}.safetensors"
        if own_rng.is_file():
            _restore_rng(load_file(own_rng))
        return int(state["step"])

    def _finish(self, temporary: Path, *, step: int, started_at: datetime, now: datetime) -> None:
        for path in temporary.iterdir():
            _sync_file(path)
        write_manifest(
            temporary,
            recipe="checkpoint",
            key=self.key,
            config={"step": step},
            inputs=[],
            counts={"step": step},
            started_at=started_at,
            finished_at=now,
        )
        target = self.folder / f"step-{step}"
        shutil.rmtree(target, ignore_errors=True)
        temporary.rename(target)
        sync_folder(self.folder)
        write_json(self.folder / "latest", {"step": step})
        for old in self._all()[self.keep :]:
            shutil.rmtree(old)

    def _all(self) -> list[Path]:
        """Return finished checkpoint folders, newest first."""
        found = [path for path in self.folder.glob("step-*") if (path / "manifest.json").is_file()]
        return sorted(found, key=lambda path: -int(path.name.removeprefix("step-")))

    def _newest(self, *, loud: bool) -> Path | None:
        for path in self._all():
            manifest = read_manifest(path)
            if manifest is None or manifest.key != self.key:
                continue
            problems = find_damage(path, manifest)
            if not problems:
                return path
            if loud:
                say("resume", f"WARNING {problems[0]}: passes over {path.name}")
        return None


def _rng_tensors() -> dict[str, Tensor]:
    tensors = {"cpu": torch.get_rng_state()}
    if torch.cuda.is_available():
        tensors["cuda"] = torch.cuda.get_rng_state()
    return tensors


def _restore_rng(tensors: Mapping[str, Tensor]) -> None:
    torch.set_rng_state(tensors["cpu"])
    if "cuda" in tensors and torch.cuda.is_available():
        torch.cuda.set_rng_state(tensors["cuda"])


def _sync_file(path: Path) -> None:
    with path.open("rb") as stream:
        os.fsync(stream.fileno())
