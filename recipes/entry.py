"""The edge: YAML and overrides become a checked, plain config; the only file that knows Hydra."""

import errno
import json
import os
import re
import sys
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from enum import Enum
from pathlib import Path
from typing import ClassVar, Generic, Protocol, TypeGuard, TypeVar, cast

import yaml
from hydra import compose, initialize_config_module
from hydra.core.config_search_path import ConfigSearchPath
from hydra.core.config_store import ConfigStore
from hydra.core.plugins import Plugins
from hydra.errors import HydraException
from hydra.plugins.search_path_plugin import SearchPathPlugin
from omegaconf import DictConfig, ListConfig, Node, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from ..data.config_files import CONFIG_FOLDER_VARIABLE, config_names
from ..data.errors import ExitCode, RunError, UserError
from ..data.hardware import let_waiting_threads_sleep
from ..data.quiet import quieten
from .mistakes import explain, refuse_words, unknown
from .usage import Settings, usage

Config = TypeVar("Config")
_INTERRUPTED = 130


@dataclass(frozen=True, slots=True)
class Recipe(Generic[Config]):
    """A recipe: callable with its config, and runnable from a command line."""

    name: str
    schema: type[Config]
    run: Callable[[Config], ExitCode | None]
    examples: tuple[str, ...]
    carries: bool = False
    """Keys that are not its own are another recipe's and stand in ``config.words`` as typed."""

    def __call__(self, config: Config) -> ExitCode:
        """Run with a config made elsewhere; return DONE unless the recipe says otherwise."""
        return self.run(config) or ExitCode.DONE

    def compose(self, overrides: Sequence[str] = ()) -> Config:
        """Return the checked config of this recipe.

        Raises:
            UserError: an unknown key, an unknown choice, or a value that its owner refuses.
        """
        own, carried = self._split(overrides)
        plain = _convert(
            _compose(self.name, own), name=self.name, schema=self.schema, overrides=own
        )
        if self.carries:
            cast("_Carrier", plain).words = carried
        return plain

    def settings(self) -> Settings:
        """Return what a user can set in this recipe."""
        return _settings(self.name)

    def main(self, argv: Sequence[str] | None = None) -> int:
        """Run from the command line; return the exit code."""
        words = list(sys.argv[1:] if argv is None else argv)
        debug = _take_flag(words, "--debug")
        quieten()
        let_waiting_threads_sleep()
        try:
            return self._run_words(words)
        except KeyboardInterrupt:
            print(f"lokal {self.name}: interrupted; run the same command to go on", file=sys.stderr)
            return _INTERRUPTED
        except Exception as error:  # the one place where errors become exit codes
            if debug:
                traceback.print_exc()
            print(f"lokal {self.name}: {_one_line(error)}", file=sys.stderr)
            return _exit_code(error)

    def _run_words(self, words: list[str]) -> int:
        _take_config_folder(words)
        if resolved := _take_value(words, "--config"):
            return self(_from_file(Path(resolved), self.schema))
        if "dry_run" in {item.name for item in fields(cast("type[_Carrier]", self.schema))}:
            words += ["dry_run=true"] if _take_flag(words, "--dry-run") else []
        if _take_flag(words, "--help") or _take_flag(words, "-h"):
            doc = self.run.__doc__ or ""
            print(usage(self.name, doc=doc, settings=self.settings(), examples=self.examples))
            return ExitCode.DONE
        if _take_flag(words, "--cfg"):
            self.compose(words)  # what cannot run is not shown as if it could
            own, _ = self._split(words)
            print(OmegaConf.to_yaml(_compose(self.name, own), resolve=True), end="")
            return ExitCode.DONE
        return self(self.compose(words))

    def _split(self, words: Sequence[str]) -> tuple[list[str], list[str]]:
        """Return the words that this recipe reads, and those that it carries to another one."""
        if not self.carries:
            return list(words), []
        own = {item.name for item in fields(cast("type[_Carrier]", self.schema))} - {"words"}
        mine = [word for word in words if word.startswith("-") or _first_key(word) in own]
        return mine, [word for word in words if word not in mine]


class _Carrier(Protocol):
    """A config of a recipe that carries words."""

    __dataclass_fields__: ClassVar[dict]
    words: list[str]


def _first_key(word: str) -> str:
    """Return ``cluster`` of ``+cluster.sbatch.nice=100``."""
    return word.lstrip("+~").partition("=")[0].partition(".")[0]


def recipe(
    schema: type[Config], *, examples: tuple[str, ...], carries: bool = False
) -> Callable[[Callable[[Config], ExitCode | None]], Recipe[Config]]:
    """Turn ``def name(config: Schema)`` into a Recipe with primary YAML ``configs/name.yaml``.

    Args:
        schema: its config; with ``carries``, a field ``words`` takes the keys of another recipe.
        examples: commands for the help.
        carries: whether keys that the schema does not have are another recipe's.
    """

    def wrap(function: Callable[[Config], ExitCode | None]) -> Recipe[Config]:
        name = function.__name__
        ConfigStore.instance().store(name=f"{name}_schema", node=schema)
        return Recipe(name=name, schema=schema, run=function, examples=examples, carries=carries)

    return wrap


class _OwnConfigs(SearchPathPlugin):
    """Puts the user's own folder before the shipped one, as ``data.config_files`` does."""

    def manipulate_search_path(self, search_path: ConfigSearchPath) -> None:
        if own := os.environ.get(CONFIG_FOLDER_VARIABLE):
            search_path.prepend(provider="own", path=f"file://{own}")


Plugins.instance().register(_OwnConfigs)


def _settings(name: str) -> Settings:
    with initialize_config_module("lokal.configs", version_base="1.3"):
        config = compose(name, return_hydra_config=True)
    chosen = sorted(str(group) for group in config.hydra.runtime.choices)
    groups = {group: config_names(group) for group in chosen if not group.startswith("hydra/")}
    own = OmegaConf.masked_copy(config, [str(key) for key in config if key != "hydra"])
    settings = Settings(groups, defaults={}, entries={})
    _describe(own, "", settings)
    return settings


def _describe(config: DictConfig, prefix: str, settings: Settings) -> None:
    """Add each dotted key to the settings, its default as written: ``${}`` is not resolved."""
    nodes = {str(key): config._get_node(key) for key in config}
    if (
        prefix
        and OmegaConf.get_type(config) is dict
        and any(_is_filled(node) for node in nodes.values())
    ):
        settings.entries[prefix[:-1]] = list(nodes)
    for key, node in nodes.items():
        if _is_filled(node):
            _describe(node, f"{prefix}{key}.", settings)
        else:
            settings.defaults[f"{prefix}{key}"] = _as_typed(cast("Node", node))


def _is_filled(node: object) -> TypeGuard[DictConfig]:
    return isinstance(node, DictConfig) and not node._is_none() and len(node) > 0


def _as_typed(node: Node) -> str:
    """Return the value as a user would type it, with the choices of an enum behind it."""
    value = node._value()  # as written, not resolved
    if isinstance(value, Enum):
        return f"{value.name}  ({'|'.join(type(value).__members__)})"
    if value == "???":
        return "???  (you must give it)"
    if isinstance(node, ListConfig | DictConfig):
        value = OmegaConf.to_container(node) if isinstance(value, list | dict) else value
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _compose(name: str, overrides: Sequence[str]) -> DictConfig:
    if wrong := refuse_words(overrides, choices=config_names):
        raise UserError(wrong)
    try:
        with initialize_config_module("lokal.configs", version_base="1.3"):
            return compose(name, overrides=list(overrides))
    except yaml.YAMLError as error:
        raise UserError(f"a config file is not YAML: {' '.join(str(error).split())}") from error
    except (HydraException, OmegaConfBaseException) as error:
        raise _user_error(name, error) from error


def _convert(
    config: DictConfig, *, name: str, schema: type[Config], overrides: Sequence[str]
) -> Config:
    try:
        if missing := sorted(OmegaConf.missing_keys(config)):
            raise UserError(f"{missing[0]} has no value: give {missing[0]}=...")
        plain = OmegaConf.to_object(config)
    except AttributeError as error:  # a slotted dataclass refuses what '+' added
        added = [word.lstrip("+").partition("=")[0] for word in overrides if word.startswith("+")]
        wrong = [key for key in added if f"'{key.rpartition('.')[2]}'" in str(error)]
        if not wrong:
            raise
        raise UserError(unknown(wrong[0], _settings(name))) from error
    except OmegaConfBaseException as error:
        raise _user_error(name, error) from error
    except ValueError as error:
        raise UserError(str(error)) from error
    assert isinstance(plain, schema)
    return plain


def _from_file(path: Path, schema: type[Config]) -> Config:
    """Return the config that another process resolved and wrote as JSON."""
    if not path.is_file():
        raise UserError(f"--config {path} does not exist: name a run's config.json")
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        plain = OmegaConf.to_object(OmegaConf.merge(OmegaConf.structured(schema), values))
    except (OmegaConfBaseException, ValueError) as error:
        raise UserError(f"--config {path}: {str(error).splitlines()[0]}") from error
    assert isinstance(plain, schema)
    return plain


def _user_error(name: str, error: Exception) -> UserError:
    return UserError(explain(error, _settings(name)))


def _take_flag(words: list[str], flag: str) -> bool:
    found = flag in words
    while flag in words:
        words.remove(flag)
    return found


def _take_value(words: list[str], flag: str) -> str:
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


def _take_config_folder(words: list[str]) -> None:
    folder = _take_value(words, "--config-dir")
    if folder and not Path(folder).is_dir():
        raise UserError(f"--config-dir needs a folder that exists, got {folder!r}")
    if folder:
        os.environ[CONFIG_FOLDER_VARIABLE] = str(Path(folder).resolve())


def _one_line(error: Exception) -> str:
    if isinstance(error, OSError) and (error.errno == errno.ENOSPC or _is_numpys(error)):
        return (
            f"no space left on the disk ({error.filename or 'while writing'}): free some, run again"
        )
    if isinstance(error, OSError) and error.errno in (errno.EROFS, errno.EACCES):
        return (
            f"{error.filename}: {str(error.strerror).lower()}: choose a path that you may use, "
            "such as another root=..., or correct its rights"
        )
    text = " ".join(str(error).split()) or "no message"
    if isinstance(error, UserError | RunError):
        return text
    return f"{type(error).__name__}: {text} (run with --debug for the traceback)"


def _is_numpys(error: OSError) -> bool:
    """Return whether numpy wrote less than it should have; it does not say why."""
    return (
        error.errno is None and re.search(r"\d requested and \d+ written", str(error)) is not None
    )


def _exit_code(error: Exception) -> int:
    if isinstance(error, UserError):
        return ExitCode.USER_MISTAKE
    if isinstance(error, RunError):
        return error.code
    return ExitCode.RUN_FAILED
