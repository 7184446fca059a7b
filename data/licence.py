"""What a licence asks of whoever passes a model on, by the table ``licences.yaml``."""

import re
import shutil
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from .checkpoint_folder import is_original
from .config_files import read_mapping

_TABLE = Path(__file__).with_name("licences.yaml")
_LICENCE_FILE = re.compile(r"(licen[cs]e|notice|use_policy)(\.(txt|md))?", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True, slots=True)
class Licence:
    """One licence of the table, or one that it does not know."""

    name: str
    hub: str = "other"
    """Identifier in the front matter of a model card."""
    url: str = ""
    duties: list[str] = field(default_factory=list)
    name_begins_with: str = ""
    """How the name of a model made with it must begin."""
    shown: str = ""
    """A line that has to be seen wherever the model is."""
    notice: str = ""
    """The text of the file NOTICE."""
    policy: str = ""
    share_alike: bool = False
    non_commercial: bool = False
    also: list[str] = field(default_factory=list)
    """Other spellings of its key."""
    is_known: bool = True


def find_licence(named: str) -> Licence:
    """Return the licence that a config or a corpus names; an unknown one says so itself."""
    found = _by_spelling().get(_plain(named))
    return found or Licence(
        name=named or "not stated",
        is_known=False,
        duties=["Not in lokal's table of licences: read it before you pass the model on."],
    )


def find_licences(named: Iterable[str]) -> list[Licence]:
    """Return the licences behind several names, each once: ``A AND B`` names two."""
    parts = {
        part.strip()
        for name in named
        for part in re.split(r"\bAND\b|[,+;]", re.sub(r"\([^)]*\)", "", name))
        if part.strip()
    }
    found = {licence.name: licence for licence in map(find_licence, sorted(parts))}
    return list(found.values())


def write_licence_files(folder: Path, *, parent: Path, licence: Licence) -> None:
    """Put the parent's licence texts, notices and policies beside the weights, and its notice."""
    copy_licence_files(parent.parent if is_original(parent) else parent, folder)
    if licence.notice and not any(path.name.lower() == "notice" for path in folder.iterdir()):
        (folder / "NOTICE").write_text(f"{licence.notice}\n", encoding="utf-8")


def copy_licence_files(source: Path, target: Path) -> None:
    """Copy the licence texts, notices and policies that lie in a model's folder."""
    for path in source.iterdir():
        if _LICENCE_FILE.fullmatch(path.name) and path.is_file():
            shutil.copyfile(path, target / path.name)


@cache
def _by_spelling() -> dict[str, Licence]:
    table: dict[str, Licence] = {}
    for key, values in read_mapping(_TABLE).items():
        assert isinstance(values, dict)
        licence = Licence(**values)  # pyright: ignore[reportArgumentType]  our own file, tested
        table |= {_plain(word): licence for word in (key, licence.name, *licence.also)}
    return table


def _plain(text: str) -> str:
    return re.sub(r"[^a-z0-9.]", "", text.lower().replace("licence", "license"))
