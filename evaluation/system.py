"""Who is evaluated: a checkpoint or a recording, with what tells it from any other."""

import json
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path

from .. import __version__
from ..data.base_model import resolve_checkpoint
from ..data.checkpoint_folder import check_llama, checkpoint_identity
from ..data.errors import UserError
from ..data.manifest import MANIFEST_NAME, Json, read_manifest, sha256_of_json
from .settings import BaselineConfig, EvaluateConfig

ADAPTER_CONFIG = "adapter_config.json"
_ADAPTER_WEIGHTS = "adapter_model.safetensors"


class Kind(StrEnum):
    """What a system is."""

    checkpoint = "checkpoint"
    recorded = "recorded"


@dataclass(kw_only=True, slots=True)
class System:
    """One system of a run."""

    name: str
    kind: Kind
    label: str
    """For tables: the model's own name."""
    key: str
    """Hash of what the replies depend on; equal keys mean the same replies."""
    licence: str
    folder: Path | None = None
    """Checkpoint or adapter; None for a recording."""
    base: Path | None = None
    """Whole checkpoint: the folder itself, or what the adapter stands on."""
    base_key: str = ""
    """Hash of the parent checkpoint: its family."""
    recording: BaselineConfig | None = None

    def inputs(self) -> list[Path]:
        """Return the files that stand for the system in a manifest."""
        folders = {folder for folder in (self.folder, self.base) if folder is not None}
        return [_record_of(folder) for folder in sorted(folders)]

    def facts(self) -> dict[str, Json]:
        """Return what a report says about the system."""
        return {
            "system": self.name,
            "kind": str(self.kind),
            "label": self.label,
            "licence": self.licence,
            "folder": str(self.folder) if self.folder else None,
            "base": str(self.base) if self.base else None,
            "base_key": self.base_key,
            "recording": asdict(self.recording) if self.recording else None,
        }


def describe_system(config: EvaluateConfig) -> System:
    """Return the system that a config names; starts nothing heavy.

    Raises:
        UserError: the folder is missing, unfinished, no Llama, or without safetensors.
    """
    if config.baseline is not None:
        return _recorded(config, config.baseline)
    if config.model is not None:
        folder = resolve_checkpoint(config.model)
        return _checkpoint(config, folder, config.model.label, config.model.licence)
    assert config.checkpoint is not None
    folder = Path(config.checkpoint).expanduser().resolve()
    return _checkpoint(config, folder, *_label_and_licence(folder))


def _recorded(config: EvaluateConfig, baseline: BaselineConfig) -> System:
    if baseline.suite not in (config.suite.name, *config.suite.members):
        raise UserError(
            f"baseline {baseline.label} was recorded on {baseline.suite}, "
            f"not on {config.suite.name}"
        )
    return System(
        name=config.system,
        kind=Kind.recorded,
        label=baseline.label,
        licence=baseline.licence,
        key=sha256_of_json({"recorded": asdict(baseline), "version": __version__}),
        recording=baseline,
    )


def _checkpoint(config: EvaluateConfig, folder: Path, label: str, licence: str) -> System:
    base = _base_of(folder)
    own, parent = _content(folder), _content(base)
    settings: dict[str, Json] = {
        "max_new_tokens": config.answers.max_new_tokens,
        "precision": config.answers.precision.name,
    }
    if config.answers.temperature:
        sampling = ("temperature", "samples", "seed")
        settings |= {name: getattr(config.answers, name) for name in sampling}
    return System(
        name=config.system,
        kind=Kind.checkpoint,
        label=label,
        licence=licence,
        key=sha256_of_json(
            {"checkpoint": own, "base": parent, "answers": settings, "version": __version__}
        ),
        folder=folder,
        base=base,
        base_key=sha256_of_json(_parent_identity(folder, base)),
    )


def _base_of(folder: Path) -> Path:
    """Return the whole checkpoint: the folder itself, or what its adapter stands on."""
    if not folder.is_dir():
        raise UserError(f"{folder} does not exist: correct checkpoint=..., or run finetune first")
    adapter = folder / ADAPTER_CONFIG
    if not adapter.is_file():
        check_llama(folder)
        return folder
    if not (folder / _ADAPTER_WEIGHTS).is_file():
        raise UserError(
            f"{folder} has no {_ADAPTER_WEIGHTS}: pickled weights are never loaded, convert them"
        )
    try:
        base = Path(json.loads(adapter.read_text(encoding="utf-8"))["base_model_name_or_path"])
    except (ValueError, KeyError, TypeError) as error:
        raise UserError(f"{adapter} names no base model: make the adapter again") from error
    if not base.is_dir():
        raise UserError(
            f"the adapter's base checkpoint {base} does not exist: "
            f"correct base_model_name_or_path in {adapter}"
        )
    check_llama(base)
    return base.resolve()


def _content(folder: Path) -> dict[str, Json]:
    """Return the identity of the weights as they are now.

    A folder without a manifest is known by names and sizes alone, which other weights of the same
    shape leave equal: there the time of the last change counts too.
    """
    identity = checkpoint_identity(folder)
    if (folder / MANIFEST_NAME).is_file():
        return identity
    changed: dict[str, Json] = {
        path.name: path.stat().st_mtime_ns for path in sorted(folder.glob("*.safetensors"))
    }
    return {**identity, "changed": changed}


def _parent_identity(folder: Path, base: Path) -> dict[str, Json]:
    """Return the identity of the checkpoint that training began with, as far as it is known."""
    manifest = read_manifest(folder)
    if base == folder and manifest is not None and manifest.recipe == "finetune":
        parents = [Path(r.path).parent for r in manifest.inputs if r.path.endswith("/config.json")]
        if parents and parents[0].is_dir():
            return checkpoint_identity(parents[0])
    return checkpoint_identity(base)


def _label_and_licence(folder: Path) -> tuple[str, str]:
    """Return name and licence from the manifest of our own model, else the folder's name."""
    manifest = read_manifest(folder) if folder.is_dir() else None
    model = manifest.config.get("model") if manifest is not None else None
    if manifest is None or not isinstance(model, dict):
        return folder.name, ""
    return f"{model.get('label')}, fine-tuned", " + ".join(manifest.licences)


def _record_of(folder: Path) -> Path:
    if (folder / MANIFEST_NAME).is_file():
        return folder
    adapter = folder / ADAPTER_CONFIG
    return adapter if adapter.is_file() else folder / "config.json"
