"""One line for a wrong setting: what, where, the cure; reads the words of Hydra's errors."""

import difflib
import re
from collections.abc import Callable, Sequence

from .usage import Settings

_OF_ANOTHER_COMMAND = {
    "Key 'vendor' not in 'BaselineConfig'": (
        "{choice} is a live vendor, which is paid: ask it once with lokal collect_baseline "
        "baseline={choice} ..., then lokal evaluate frozen=FOLDER"
    ),
    "Key 'suite' not in 'VendorConfig'": (
        "{choice} is a recording, which asks nobody: lokal evaluate baseline={choice} ..."
    ),
}
"""Two kinds of baseline share a group; the first key that only one of them has tells them apart."""


def refuse_words(words: Sequence[str], *, choices: Callable[[str], list[str]]) -> str | None:
    """Return what is wrong with the words as such, before anything is composed; None if nothing is.

    Args:
        words: the settings as typed.
        choices: returns the choices of a config group; none for a plain key.
    """
    for word in words:
        key, sign, value = word.partition("=")
        if word.startswith("-"):
            return f"{word!r} is not a flag of a recipe: see --help"
        if not key or not (sign or key.startswith("~")):
            return f"{word!r} is not a setting: write key=value, or see --help"
        if key.lstrip("+~").partition(".")[0] == "hydra":
            return f"{key}: Hydra's own settings have an effect with --multirun only"
        if (value in ("", "null") or value[0] in "[{") and (names := choices(key)):
            return f"{key} takes one choice, got {value!r}{_nearest(value, names)}"
    return None


def explain(error: Exception, settings: Settings) -> str:
    """Return one line for an error that was raised while the config was composed or converted."""
    text, cause = str(error), str(error.__cause__ or error)
    place = f" (in {file[1]}.yaml)" if (file := re.search(r"In '([^']+)': \w+Error", text)) else ""
    full_key = found[1] if (found := re.search(r"full_key: (\S+)", cause)) else ""
    for said, cure in _OF_ANOTHER_COMMAND.items():
        if said in cause and (choice := re.search(r"In '[^']+/([^'/]+)'", text)):
            return cure.format(choice=choice[1])
    if wrong := re.search(r"Could not override '([^']+)'", text):
        return unknown(wrong[1], settings)
    if re.search(r"Key '[^']+' (is )?not in", cause):
        return unknown(full_key, settings) + place
    if choice := re.search(r"Could not find '([^']+)/([^'/]+)'", text):
        group, name = choice[1], choice[2]
        if name.startswith("submitit"):
            return f"{group}={name} needs a plugin: pip install 'lokal[submitit]'"
        return f"{group}={name}: no such choice{_nearest(name, settings.groups.get(group, []))}"
    if wrong := re.search(r"Ambiguous value for argument '([^=]+)=(.*)'", text):
        return f"{wrong[1]} takes one value; for a list write {wrong[1]}=[{wrong[2]}]"
    if word := getattr(error, "override", None):
        return f"cannot read {word}: put quotes around {_what_to_quote(word)}"
    if "is not a ListConfig" in cause:
        return f"{full_key} is a list: write {full_key}=[one,two]{place}"
    first = " ".join(cause.partition("full_key:")[0].split())
    return (f"{full_key}: {first}" if full_key else first) + place


def unknown(key: str, settings: Settings) -> str:
    """Return the line for a key that does not exist, with the one that was probably meant."""
    return f"unknown key {key!r}{_nearest(key, [*settings.defaults, *settings.groups])}"


def _what_to_quote(word: str) -> str:
    key, _, value = word.partition("=")
    if value.startswith("["):
        return f"each part, \"{key}=['one','two']\""
    return f"the value, '{key}=\"{value}\"'"


def _nearest(word: str, options: Sequence[str]) -> str:
    if near := difflib.get_close_matches(word, options, n=1):
        return f": did you mean {near[0]!r}?"
    return f": choose one of {', '.join(options)}" if 0 < len(options) <= 12 else "; see --help"
