"""The flags of a command line, taken out of its words."""

import os
from pathlib import Path

from ..data.config_files import CONFIG_FOLDER_VARIABLE
from ..data.errors import UserError


def take_flag(words: list[str], flag: str) -> bool:
    """Remove the flag; return whether it was there."""
    found = flag in words
    while flag in words:
        words.remove(flag)
    return found


def take_value(words: list[str], flag: str) -> str:
    """Remove ``--flag VALUE`` or ``--flag=VALUE``; return the value, empty where absent."""
    for place, word in enumerate(words):
        name, sign, value = word.partition("=")
        if name == flag:
            value = value if sign else "".join(words[place + 1 : place + 2])
            if not value:
                raise UserError(f"{flag} needs a value")
            del words[place : place + (1 if sign else 2)]
            return value
    return ""


def take_config_folder(words: list[str]) -> None:
    """Remove ``--config-dir FOLDER`` and let its files come before the shipped ones.

    Raises:
        UserError: there is no such folder.
    """
    folder = take_value(words, "--config-dir")
    if folder and not Path(folder).is_dir():
        raise UserError(f"--config-dir needs a folder that exists, got {folder!r}")
    if folder:
        os.environ[CONFIG_FOLDER_VARIABLE] = str(Path(folder).resolve())
