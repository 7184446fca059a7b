"""The judges of a run, from their names: checkpoints on this machine, or vendors' models."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import fields
from pathlib import Path

from ...data.base_model import ModelConfig, ModelSource, resolve_checkpoint
from ...data.checkpoint_folder import check_llama, checkpoint_identity
from ...data.config_files import config_names, read_config
from ...data.errors import UserError
from ...data.manifest import Json, sha256_of_json
from ..vendors.build import system_facts
from ..vendors.settings import VendorConfig
from .asking import Judge
from .checkpoint_judge import CheckpointAsk
from .paid_judge import PaidAsk
from .settings import JudgeConfig
from .vendors import checkpoint_family, vendors_named

_PROTOCOL = 1
"""Raised when a judge is asked or read differently without its prompt having changed."""
_VENDOR = re.compile(r"(?P<choice>\w+)(?::(?P<model>[^@]+))?(?:@(?P<url>https?://\S+))?")


def build_panel(config: JudgeConfig) -> list[Judge]:
    """Return the judges in the order of the settings; nothing is loaded or asked yet.

    Raises:
        UserError: there is no such model, folder or vendor, or two of them share a name.
    """
    judges = [_build(name, config) for name in config.panel]
    if len({judge.name for judge in judges}) < len(judges):
        raise UserError(
            f"two judges are called {judges[0].name}: leave one out of panel=..., or rename its "
            "folder"
        )
    return judges


def _build(name: str, config: JudgeConfig) -> Judge:
    if name in config_names("model"):
        model = _model_config(name)
        folder = resolve_checkpoint(model)
        return _checkpoint(name, folder, [model.label, model.licence, model.origin], config)
    if "/" in name and "://" not in name:
        folder = Path(name).expanduser().resolve()
        if not folder.is_dir():
            raise UserError(f"panel: {folder} does not exist: name a folder with a checkpoint")
        return _checkpoint(_safe(folder), folder, [folder.name, folder.parent.name], config)
    return _vendor(name, config)


def _checkpoint(name: str, folder: Path, names: Sequence[str], config: JudgeConfig) -> Judge:
    check_llama(folder)
    identity: dict[str, Json] = {
        "checkpoint": checkpoint_identity(folder),
        "reason_tokens": config.reason_tokens,
        "protocol": _PROTOCOL,
    }
    return Judge(
        name=name,
        label=names[0],
        vendors=vendors_named(names) | checkpoint_family(folder),
        identity=identity,
        ask=CheckpointAsk(
            folder,
            base=folder,
            identity=identity,
            journal=config.answers_folder / _with_identity(name, identity),
            reason_tokens=config.reason_tokens,
            batch_tokens=config.batch_tokens,
            threads=config.threads,
        ),
        is_local=True,
    )


def _vendor(name: str, config: JudgeConfig) -> Judge:
    named = _VENDOR.fullmatch(name)
    values = read_config("baseline", named["choice"]) if named else {}
    if named is None or "vendor" not in values:
        raise UserError(
            f"panel: {name!r} is no judge: name a model of configs/model "
            f"({', '.join(config_names('model'))}), a folder, or a vendor as openai:MODEL"
        )
    given = {"model": named["model"], "base_url": named["url"]}
    values |= {key: value for key, value in given.items() if value is not None}
    vendor = _vendor_config(named["choice"], values)
    identity: Mapping[str, Json] = {**system_facts(vendor), "protocol": _PROTOCOL}
    return Judge(
        name=vendor.name,
        label=vendor.label or vendor.model,
        vendors=vendors_named([vendor.model, vendor.label]),
        identity=identity,
        ask=PaidAsk(
            vendor,
            config,
            identity=identity,
            folder=config.answers_folder / _with_identity(vendor.name, identity),
        ),
        is_local=vendor.is_local,
    )


def _vendor_config(choice: str, values: Mapping[str, Json]) -> VendorConfig:
    if unset := sorted(key for key, value in values.items() if value == "???"):
        raise UserError(f"panel: {choice} needs its {unset[0]}: write {choice}:MODEL")
    known = {item.name for item in fields(VendorConfig)}
    if strange := sorted(set(values) - known):
        raise UserError(f"configs/baseline/{choice}.yaml: key {strange[0]!r} is unknown")
    try:
        return VendorConfig(**values)  # pyright: ignore[reportArgumentType]  checked by its owner
    except (TypeError, ValueError) as error:
        raise UserError(f"panel: {choice}: {error}") from error


def _model_config(name: str) -> ModelConfig:
    values = read_config("model", name)
    if unset := sorted(key for key, value in values.items() if value == "???"):
        raise UserError(
            f"panel: model {name} has no {unset[0]}: give the folder itself, as panel=[models/mine]"
        )
    try:
        source = ModelSource[str(values.pop("source"))]
        return ModelConfig(source=source, **values)  # pyright: ignore[reportArgumentType]
    except (KeyError, TypeError, ValueError) as error:
        raise UserError(f"panel: configs/model/{name}.yaml cannot judge: {error}") from error


def _with_identity(name: str, identity: Mapping[str, Json]) -> str:
    """Return a name that another server, checkpoint or setting under the same name does not share.

    What was paid for is never thrown away: its answers stay where they are.
    """
    return f"{name}-{sha256_of_json(dict(identity))[:8]}"


def _safe(folder: Path) -> str:
    """Return a name for files; a finished model lies in a folder that is called model."""
    name = folder.parent.name if folder.name == "model" else folder.name
    return re.sub(r"[^A-Za-z0-9._-]+", "-", name)
