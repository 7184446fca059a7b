"""Who is evaluated: a checkpoint, a server's model, a recording, a vendor's collected replies."""

import json
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path

from .. import __version__
from ..data.base_model import resolve_checkpoint
from ..data.checkpoint_folder import check_llama, checkpoint_identity
from ..data.errors import UserError
from ..data.manifest import MANIFEST_NAME, Json, read_manifest, require_whole, sha256_of_json
from .server.settings import ServerConfig
from .settings import AnswersConfig, BaselineConfig, EvaluateConfig

ADAPTER_CONFIG = "adapter_config.json"
_ADAPTER_WEIGHTS = "adapter_model.safetensors"


class Kind(StrEnum):
    """What a system is."""

    checkpoint = "checkpoint"
    server = "server"
    recorded = "recorded"
    vendor = "vendor"
    """Asked by ``collect_baseline``; ``evaluate`` takes what it has collected, as frozen."""


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
    """Checkpoint or adapter; None where there is none on this machine."""
    base: Path | None = None
    """Whole checkpoint: the folder itself, or what the adapter stands on."""
    base_key: str = ""
    """Hash of the parent checkpoint: its family."""
    recording: BaselineConfig | None = None
    server: ServerConfig | None = None
    vendor: dict[str, Json] | None = None
    """Settings under which a vendor was asked."""
    frozen: Path | None = None
    """Folder with the system's finished replies, where they are taken from there."""

    @property
    def is_loaded(self) -> bool:
        """Return whether a checkpoint answers here, in as many processes as there are."""
        return self.kind is Kind.checkpoint and self.frozen is None

    def inputs(self) -> list[Path]:
        """Return the files that stand for the system in a manifest."""
        if self.frozen is not None:
            return [self.frozen]
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
            "server": asdict(self.server) if self.server else None,
            "vendor": self.vendor,
            "frozen": str(self.frozen) if self.frozen else None,
        }


def describe_system(config: EvaluateConfig) -> System:
    """Return the system that a config names; starts nothing heavy.

    Raises:
        UserError: the folder is missing, unfinished, damaged, no Llama, or without safetensors.
    """
    if config.frozen is not None:
        return _frozen(config, Path(config.frozen).expanduser().resolve())
    if config.server is not None:
        return _served(config, config.server)
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


def _served(config: EvaluateConfig, server: ServerConfig) -> System:
    served = server.revision or server.url.rstrip("/")
    return System(
        name=config.system,
        kind=Kind.server,
        label=server.model,
        licence=server.licence,
        key=sha256_of_json(
            {
                "server": {"model": server.model, "served": served},
                "answers": _answer_settings(config.answers),
                "version": __version__,
            }
        ),
        server=server,
    )


def _frozen(config: EvaluateConfig, folder: Path) -> System:
    """Return the system whose replies a folder holds, under the name of this run."""
    if folder == config.folder:
        raise UserError(f"frozen={folder} is this system's own folder: take another system=...")
    manifest = require_whole(folder)
    facts = manifest.config
    try:
        recording, server, vendor = (facts.get(name) for name in ("recording", "server", "vendor"))
        return System(
            name=config.system,
            kind=Kind(str(facts["kind"])),
            label=str(facts["label"]),
            key=manifest.key,
            licence=str(facts["licence"]),
            folder=Path(str(facts["folder"])) if facts["folder"] else None,
            base=Path(str(facts["base"])) if facts["base"] else None,
            base_key=str(facts["base_key"]),
            recording=BaselineConfig(**recording) if isinstance(recording, dict) else None,  # pyright: ignore[reportArgumentType]  as it was written
            server=ServerConfig(**server) if isinstance(server, dict) else None,  # pyright: ignore[reportArgumentType]
            vendor=vendor if isinstance(vendor, dict) else None,
            frozen=folder,
        )
    except (KeyError, TypeError, ValueError) as error:
        raise UserError(
            f"{folder} holds no replies that lokal evaluate made: name a run's generations/SYSTEM"
        ) from error


def _answer_settings(answers: AnswersConfig) -> dict[str, Json]:
    """Return the settings that a reply depends on, whoever gives it."""
    settings: dict[str, Json] = {"max_new_tokens": answers.max_new_tokens}
    if answers.temperature:
        sampling = ("temperature", "samples", "seed")
        settings |= {name: getattr(answers, name) for name in sampling}
    return settings


def _checkpoint(config: EvaluateConfig, folder: Path, label: str, licence: str) -> System:
    base = _base_of(folder)
    own, parent = _content(folder), _content(base)
    settings = _answer_settings(config.answers) | {"precision": config.answers.precision.name}
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
