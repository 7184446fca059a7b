"""Checkpoints: written whole or not at all, verified before use, the newest whole one wins.

``step-N/`` holds what the strategy writes (trained weights and optimizer state, as safetensors),
``rng-R.safetensors`` of each process R, ``state.json``, the manifest with every file's hash, and
the hash of the manifest. The data position is the step.

Order of a save: temporary folder, files and their fsync by every process, manifest, rename, fsync
of the folder above, ``latest``; only then are older ones removed. It is the same in the background.
"""

import json
import shutil
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from ..data.errors import RunError
from ..data.manifest import (
    Json,
    read_manifest,
    sync_file,
    sync_folder,
    write_json,
    write_manifest,
)
from ..data.progress import say
from .phases import Phase, Phases, Progress
from .seal import find_problems, write_seal
from .shard_file import StateFile
from .strategy import Strategy


class _Saved(NamedTuple):
    """What is told apart about a save once its files are there."""

    step: int
    score: float | None
    started_at: datetime
    now: datetime


class Checkpoints:
    """The checkpoint folder of one run.

    Args:
        folder: ``runs/<name>/checkpoints``.
        key: the work's key; a checkpoint of other work is never resumed.
        keep: how many whole checkpoints stay, besides the one with the best score.
        in_background: copy the state to main memory, and write it while training goes on.
    """

    def __init__(self, folder: Path, key: str, keep: int, *, in_background: bool = False) -> None:
        self.folder = folder
        self.key = key
        self.keep = keep
        self._in_background = in_background
        self._phases: Phases | None = None
        self._damaged: set[Path] = set()

    def save(
        self,
        strategy: Strategy,
        *,
        step: int,
        started_at: datetime,
        now: datetime,
        score: float | None = None,
    ) -> None:
        """Write ``step-N`` (N steps done); every process calls it and waits until it is whole.

        In the background it waits only for the save before this one.

        Args:
            score: held-out loss; the checkpoint with the lowest is kept.

        Raises:
            RunError: a process could not write; what was saved before is untouched.
        """
        self.wait(strategy)
        temporary = self.folder / f".step-{step}.tmp"
        saved = _Saved(step, score, started_at, now)
        begun = Phases(
            [self._act(strategy, 0, lambda: self._begin(temporary))], in_background=False
        )
        self._check(begun.advance(strategy, wait=True), strategy)
        files = _own_files(strategy, copy=self._in_background)
        self._phases = Phases(
            [
                self._act(strategy, None, lambda: _write(temporary, files)),
                self._act(strategy, 0, lambda: self._finish(temporary, strategy, saved)),
            ],
            in_background=self._in_background,
        )
        if not self._in_background:
            self.wait(strategy)

    def go_on(self, strategy: Strategy) -> None:
        """Look after a save in the background; every process calls it between two steps.

        Raises:
            RunError: as ``save``.
        """
        self._advance(strategy, wait=False)

    def wait(self, strategy: Strategy) -> None:
        """Return when what was begun is whole; every process calls it.

        Raises:
            RunError: as ``save``.
        """
        self._advance(strategy, wait=True)

    def load_newest(self, strategy: Strategy) -> int:
        """Put back the newest whole checkpoint; return its step, 0 when there is none.

        A damaged one is named and passed over.

        Raises:
            RunError: the strategy cannot go on with what is there.
        """
        found = self._newest(strategy)
        if found is None:
            return 0
        state = json.loads((found / "state.json").read_text(encoding="utf-8"))
        if state["state_format"] != strategy.state_format:
            raise RunError(
                f"{found} is in the form {state['state_format']}, this strategy reads "
                f"{strategy.state_format}: go on with the strategy that wrote it, or choose "
                "another name"
            )
        strategy.load_state(found, num_ranks=state["num_ranks"])
        own_rng = found / f"rng-{strategy.rank}.safetensors"
        if own_rng.is_file():
            _restore_rng(load_file(own_rng))
        return int(state["step"])

    def _begin(self, temporary: Path) -> None:
        """Clear what a killed save has left, and make the folder."""
        for left in self.folder.glob(".step-*.tmp"):
            shutil.rmtree(left)
        temporary.mkdir(parents=True)

    def _finish(self, temporary: Path, strategy: Strategy, saved: _Saved) -> None:
        """Make the files a checkpoint: state, manifest, seal, rename, ``latest``; then clear up."""
        state: dict[str, Json] = {
            "step": saved.step,
            "num_ranks": strategy.num_ranks,
            "key": self.key,
            "state_format": strategy.state_format,
            "score": saved.score,
        }
        write_json(temporary / "state.json", state)
        write_manifest(
            temporary,
            recipe="checkpoint",
            key=self.key,
            config=state,
            inputs=[],
            counts={"step": saved.step},
            started_at=saved.started_at,
            finished_at=saved.now,
        )
        write_seal(temporary)
        target = self.folder / f"step-{saved.step}"
        if target.exists():  # a damaged one that was passed over
            shutil.rmtree(target)
        temporary.rename(target)
        sync_folder(self.folder)
        self._damaged.discard(target)
        write_json(self.folder / "latest", {"step": saved.step})
        if problems := find_problems(target, deep=False):
            raise OSError(problems[0])
        self._remove_old(saved.step)

    def _remove_old(self, step: int) -> None:
        """Keep the newest and the best; what is damaged or of a later step goes too."""
        whole = [
            path for path in self._all() if path not in self._damaged and _step_of(path) <= step
        ]
        kept = {*whole[: self.keep], *self._best(whole)}
        for path in self._all():
            if path not in kept:
                shutil.rmtree(path)

    def _best(self, folders: list[Path]) -> list[Path]:
        scores: list[tuple[float, Path]] = []
        for path in folders:
            manifest = read_manifest(path)
            score = manifest.config.get("score") if manifest is not None else None
            if isinstance(score, float):
                scores.append((score, path))
        return [min(scores)[1]] if scores else []

    def _all(self) -> list[Path]:
        """Return checkpoint folders, damaged ones too, newest first."""
        return sorted(self.folder.glob("step-*"), key=lambda path: -_step_of(path))

    def _newest(self, strategy: Strategy) -> Path | None:
        """Return the newest whole checkpoint of this work; the processes share the reading."""
        for path in self._all():
            problems = find_problems(
                path, deep=True, share=slice(strategy.rank, None, strategy.num_ranks)
            )
            if problems:
                say("resume", f"WARNING {problems[0]}: passes over {path.name}")
            if strategy.sum([float(bool(problems))])[0] > 0:
                self._damaged.add(path)
                continue
            manifest = read_manifest(path)
            if manifest is not None and manifest.key == self.key:
                return path
        return None

    def _advance(self, strategy: Strategy, *, wait: bool) -> None:
        if self._phases is None:
            return
        progress = self._phases.advance(strategy, wait=wait)
        if progress.is_over:
            self._phases = None
        self._check(progress, strategy)

    def _act(self, strategy: Strategy, rank: int | None, do: Callable[[], None]) -> Phase:
        """Return what does it, on one process or on all, and says what went wrong in writing."""

        def act() -> str:
            if rank is not None and strategy.rank != rank:
                return ""
            try:
                do()
            except (OSError, SafetensorError) as error:
                return str(error)
            return ""

        return act

    def _check(self, progress: Progress, strategy: Strategy) -> None:
        """Stop every process when one could not write."""
        if not progress.has_failed:
            return
        if strategy.rank == 0:
            for left in self.folder.glob(".step-*.tmp"):
                shutil.rmtree(left, ignore_errors=True)
        raise RunError(
            f"cannot write a checkpoint into {self.folder} "
            f"({progress.problem or 'another process failed'}): make room or make it writable and "
            "run the command again; older checkpoints are untouched"
        )


def _own_files(strategy: Strategy, *, copy: bool) -> dict[str, StateFile]:
    """Return this process's files, as they are or as copies in main memory."""
    files = {**strategy.state_files(), f"rng-{strategy.rank}": StateFile(_rng_tensors())}
    if not copy:
        return files
    return {
        name: StateFile(
            {key: value.detach().to("cpu", copy=True) for key, value in file.tensors.items()},
            file.metadata,
        )
        for name, file in files.items()
    }


def _write(folder: Path, files: Mapping[str, StateFile]) -> None:
    """Write this process's files and bring them to the disk."""
    for name, file in files.items():
        path = folder / f"{name}.safetensors"
        tensors = {key: value.detach().cpu().contiguous() for key, value in file.tensors.items()}
        save_file(tensors, path, metadata=file.metadata)
        sync_file(path)


def _step_of(folder: Path) -> int:
    return int(folder.name.removeprefix("step-"))


def _rng_tensors() -> dict[str, Tensor]:
    tensors = {"cpu": torch.get_rng_state()}
    if torch.cuda.is_available():
        tensors["cuda"] = torch.cuda.get_rng_state()
    return tensors


def _restore_rng(tensors: Mapping[str, Tensor]) -> None:
    torch.set_rng_state(tensors["cpu"])
    if "cuda" in tensors and torch.cuda.is_available():
        torch.cuda.set_rng_state(tensors["cuda"])
