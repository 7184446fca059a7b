"""What a user can set in a recipe, and the help text that shows it."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

_FLAGS = """  --help  --debug (full traceback)  --cfg (print the resolved config)
  --config FILE (a run's config.json)  --config-dir DIR (own YAML files before the shipped ones)
  --multirun (values with commas: a run each; with hydra/launcher=submitit_slurm, a SLURM array)"""


class Settings(NamedTuple):
    """What a user can set in one recipe."""

    groups: dict[str, list[str]]
    """The choices of each config group."""
    defaults: dict[str, str]
    """The default of each dotted key, written as one would type it."""
    entries: dict[str, list[str]]
    """The names below each key that is open for more entries of one kind, such as sources."""


def usage(name: str, *, doc: str, settings: Settings, examples: Sequence[str]) -> str:
    """Return the help text of a recipe: groups, defaults and examples."""
    lines = [doc.strip(), "", f"usage: lokal {name} [key=value ...]", _FLAGS]
    if settings.groups:
        lines += ["", "groups (one YAML file each):"]
        lines += [f"  {group}={'|'.join(names)}" for group, names in settings.groups.items()]
    lines += ["", "keys and defaults:", *(f"  {line}" for line in _default_lines(settings))]
    return "\n".join([*lines, "", "examples:", *(f"  {line}" for line in examples)])


def _default_lines(settings: Settings) -> Iterator[str]:
    """Yield ``key=default``; of entries of one kind, the keys of the first stand for all."""
    for parent, names in settings.entries.items():
        yield f"{parent}.<name>, with <name> one of {', '.join(names)}, or your own"
    for key, text in settings.defaults.items():
        parent = next((parent for parent in settings.entries if key.startswith(f"{parent}.")), None)
        if key.startswith("region."):
            continue  # facts about a language, not settings of a run
        if parent is None:
            yield f"{key}={text}"
            continue
        first = f"{parent}.{settings.entries[parent][0]}."
        if key.startswith(first):
            yield f"{parent}.<name>.{key.removeprefix(first)}={text}"
