"""Where the YAML values lie: in the shipped ``configs`` or in the user's ``LOKAL_CONFIG_DIR``."""

import os
from importlib.resources import files
from pathlib import Path

import yaml

from .errors import UserError
from .manifest import Json

CONFIG_FOLDER_VARIABLE = "LOKAL_CONFIG_DIR"
"""Environment variable with the user's own folder, set by ``--config-dir``."""


def config_names(group: str) -> list[str]:
    """Return the names of all choices in a config group, sorted."""
    folders = [folder / group for folder in _roots()]
    return sorted({path.stem for folder in folders for path in folder.glob("*.yaml")})


def read_config(group: str, name: str) -> dict[str, Json]:
    """Return the values of one choice; the user's own file wins over the shipped one.

    Raises:
        UserError: there is no such choice, or its file is not a YAML mapping.
    """
    for folder in _roots():
        path = folder / group / f"{name}.yaml"
        if path.is_file():
            return read_mapping(path)
    raise UserError(f"unknown {group} {name!r}: choose one of {', '.join(config_names(group))}")


def read_mapping(path: Path) -> dict[str, Json]:
    """Return the values of a YAML file.

    Raises:
        UserError: the file is not a YAML mapping.
    """
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        raise UserError(f"{path} is not YAML: {' '.join(str(error).split())}") from error
    if not isinstance(values, dict):
        raise UserError(f"{path} holds no keys: write one 'key: value' a line")
    return values


def _roots() -> list[Path]:
    shipped = Path(str(files("lokal.configs")))
    own = os.environ.get(CONFIG_FOLDER_VARIABLE)
    return [Path(own), shipped] if own else [shipped]
