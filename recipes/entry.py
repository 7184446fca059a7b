"""The edge: composes YAML and overrides into a checked, plain config; the only file that knows Hydra."""

import difflib
import errno
import os
import re
import sys
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar, cast

from hydra import compose, initialize_config_module
from hydra.core.config_store import ConfigStore
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from ..data.errors import ExitCode, RunError, UserError

Config = TypeVar("Config")
_FLAGS = "  --help  --cfg (print the resolved config)  --config-dir DIR  --debug (full traceback)"


@dataclass(frozen=True, slots=True)
class Recipe(Generic[Config]):
    """A recipe: callable with its config, and runnable from a command line."""

    name: str
    schema: type[Config]
    run: Callable[[Config], ExitCode | None]
    examples: tuple[str, ...]

    def __call__(self, config: Config) -> ExitCode:
        """Run with a config made elsewhere; return DONE unless the recipe says otherwise."""
        return self.run(config) or ExitCode.DONE

    def compose(self, overrides: Sequence[str] = ()) -> Config:
        """Return the checked config of this recipe.

        Raises:
            UserError: an unknown key, an unknown choice, or a value that its owner refuses.
        """
        return cast("Config", _to_plain(_compose(self.name, overrides), self.schema))

    def main(self, argv: Sequence[str] | None = None) -> int:
        """Run from the command line; return the exit code."""
        words = list(sys.argv[1:] if argv is None else argv)
        debug = _take_flag(words, "--debug")
        try:
            _take_config_folder(words)
            if _take_flag(words, "--help") or _take_flag(words, "-h"):
                print(self._help())
                return ExitCode.DONE
            if _take_flag(words, "--cfg"):
                print(OmegaConf.to_yaml(_compose(self.name, words)), end="")
                return ExitCode.DONE
            return self(self.compose(words))
        except KeyboardInterrupt:
            print(f"lokal {self.name}: interrupted; run the same command to go on", file=sys.stderr)
            return 130
        except Exception as error:  # noqa: BLE001  the one place where errors become exit codes
            if debug:
                traceback.print_exc()
            print(f"lokal {self.name}: {_one_line(error)}", file=sys.stderr)
            return _exit_code(error)

    def _help(self) -> str:
        doc = (self.run.__doc__ or "").strip()
        config = _compose(self.name, ())
        lines = [doc, "", f"usage: lokal {self.name} [key=value ...]", _FLAGS, "", "groups:"]
        lines += [f"  {group}={'|'.join(names)}" for group, names in _groups(config).items()]
        lines += ["", "keys and defaults:"]
        lines += [
            f"  {key}={value}"
            for key, value in _flatten(config).items()
            if not key.startswith("region.")
        ]
        return "\n".join([*lines, "", "examples:", *(f"  {line}" for line in self.examples)])


def recipe(
    schema: type[Config], *, examples: tuple[str, ...]
) -> Callable[[Callable[[Config], ExitCode | None]], Recipe[Config]]:
    """Turn ``def name(config: Schema)`` into a Recipe whose primary YAML is ``configs/name.yaml``."""

    def wrap(function: Callable[[Config], ExitCode | None]) -> Recipe[Config]:
        name = function.__name__
        ConfigStore.instance().store(name=f"{name}_schema", node=schema)
        return Recipe(name=name, schema=schema, run=function, examples=examples)

    return wrap


def _compose(name: str, overrides: Sequence[str]) -> DictConfig:
    for word in overrides:
        if "=" not in word and not word.startswith("~"):
            raise UserError(f"{word!r} is not a setting: write key=value, or see --help")
    search = os.environ.get("LOKAL_CONFIG_DIR")
    extra = [f"hydra.searchpath=[file://{search}]"] if search else []
    try:
        with initialize_config_module("lokal.configs", version_base="1.3"):
            return compose(name, overrides=[*extra, *overrides])
    except (HydraException, OmegaConfBaseException) as error:
        raise UserError(_explain(name, error)) from error


def _to_plain(config: DictConfig, schema: type[Config]) -> Config:
    missing = sorted(OmegaConf.missing_keys(config))
    if missing:
        raise UserError(f"{missing[0]} has no value: give {missing[0]}=...")
    try:
        plain = OmegaConf.to_object(config)
    except (AttributeError, TypeError) as error:
        raise UserError(f"unknown key added with '+': {error}; see --help") from error
    except OmegaConfBaseException as error:
        raise UserError(_first_line(error)) from error
    assert isinstance(plain, schema)
    return plain


def _explain(name: str, error: Exception) -> str:
    """Say which key or choice is wrong, and the nearest right one."""
    text = str(error)
    wrong = re.search(r"Could not override '([^']+)'", text)
    if wrong:
        return _unknown_key(name, wrong.group(1), text)
    choice = re.search(r"Could not find '([^']+)'", text)
    if choice:
        group, _, option = choice.group(1).rpartition("/")
        options = _options(group)
        if options:
            return f"{group}={option}: there is no such choice{_nearest(option, options)}"
    in_yaml = re.search(r"Key '([^']+)' (?:not in|is not in)", text)
    full_key = re.search(r"full_key: (\S+)", text)
    if in_yaml:
        return _unknown_key(name, full_key.group(1) if full_key else in_yaml.group(1), text)
    return " ".join(text.split("\n")[0:1]) + (f" ({full_key.group(1)})" if full_key else "")


def _unknown_key(name: str, key: str, text: str) -> str:
    try:
        with initialize_config_module("lokal.configs", version_base="1.3"):
            known = list(_flatten(compose(name)))
    except (HydraException, OmegaConfBaseException):
        return _first_line(text)
    groups = list(_groups_by_name())
    return f"unknown key {key!r}{_nearest(key, [*known, *groups])}"


def _nearest(word: str, options: Sequence[str]) -> str:
    near = difflib.get_close_matches(word, options, n=1, cutoff=0.6)
    if near:
        return f": did you mean {near[0]!r}?"
    return f": choose one of {', '.join(options)}" if len(options) <= 12 else "; see --help"


def _flatten(config: DictConfig, prefix: str = "") -> dict[str, object]:
    flat: dict[str, object] = {}
    for key in config:
        node = config._get_node(key)  # noqa: SLF001  the raw node: missing values and ${} stay as written
        path = f"{prefix}{key}"
        if isinstance(node, DictConfig) and not node._is_none() and len(node):  # noqa: SLF001
            flat |= _flatten(node, f"{path}.")
        else:
            value = node._value() if hasattr(node, "_value") else node  # noqa: SLF001
            flat[path] = OmegaConf.to_container(node) if OmegaConf.is_list(node) else value
    return flat


def _groups(config: DictConfig) -> dict[str, list[str]]:
    return {group: names for group, names in _groups_by_name().items() if group in config}


def _groups_by_name() -> dict[str, list[str]]:
    root = Path(__file__).resolve().parent.parent / "configs"
    roots = [root, *([Path(extra)] if (extra := os.environ.get("LOKAL_CONFIG_DIR")) else [])]
    groups: dict[str, list[str]] = {}
    for folder in (child for base in roots for child in sorted(base.iterdir()) if child.is_dir()):
        names = [path.stem for path in sorted(folder.glob("*.yaml"))]
        if names:
            groups[folder.name] = sorted({*groups.get(folder.name, []), *names})
    return groups


def _options(group: str) -> list[str]:
    return _groups_by_name().get(group, [])


def _take_flag(words: list[str], flag: str) -> bool:
    found = flag in words
    while flag in words:
        words.remove(flag)
    return found


def _take_config_folder(words: list[str]) -> None:
    if "--config-dir" not in words:
        return
    place = words.index("--config-dir")
    if place + 1 >= len(words) or not Path(words[place + 1]).is_dir():
        raise UserError("--config-dir needs a folder that exists")
    os.environ["LOKAL_CONFIG_DIR"] = str(Path(words[place + 1]).resolve())
    del words[place : place + 2]


def _one_line(error: Exception) -> str:
    if isinstance(error, OSError) and error.errno == errno.ENOSPC:
        return f"no space left on the disk ({error.filename or 'while writing'}): free some, run again"
    if isinstance(error, UserError | RunError | ValueError):
        return str(error).strip().replace("\n", " ")
    return f"{type(error).__name__}: {_first_line(error)} (run with --debug for the traceback)"


def _first_line(error: object) -> str:
    return (str(error).strip() or "no message").splitlines()[0]


def _exit_code(error: Exception) -> int:
    if isinstance(error, UserError):
        return ExitCode.USER_MISTAKE
    if isinstance(error, RunError):
        return error.code
    return ExitCode.RUN_FAILED
