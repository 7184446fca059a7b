"""The edge: YAML and overrides become a checked, plain config; the only file that knows Hydra."""

import json
import os
import sys
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from enum import Enum
from importlib import import_module
from pathlib import Path
from typing import ClassVar, Generic, Protocol, TypeGuard, TypeVar, cast

import hydra
import yaml
from hydra import compose, initialize_config_module
from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra.core.config_search_path import ConfigSearchPath
from hydra.core.config_store import ConfigStore
from hydra.core.hydra_config import HydraConfig
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.plugins import Plugins
from hydra.errors import HydraException
from hydra.plugins.search_path_plugin import SearchPathPlugin
from omegaconf import DictConfig, ListConfig, Node, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from ..data.config_files import CONFIG_FOLDER_VARIABLE, config_names
from ..data.errors import ExitCode, RunError, UserError
from ..data.hardware import let_waiting_threads_sleep
from ..data.progress import say
from ..data.quiet import quieten
from ..data.secrets import hide_secrets
from .failure import exit_code, one_line
from .flags import take_config_folder, take_flag, take_value
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

    def compose_each(self, words: Sequence[str]) -> list[Config]:
        """Return the config of each job of a sweep, so that none is queued if one could not run.

        Raises:
            UserError: as ``compose``; or two jobs would write to one run's folder.
        """
        parsed = OverridesParser.create().parse_overrides([w for w in words if w[:5] != "hydra"])
        jobs = BasicSweeper.split_arguments(parsed, max_batch_size=None)[0]
        configs = [self.compose(job) for job in jobs]
        folders = [folder for each in configs if (folder := getattr(each, "run_folder", None))]
        if len(set(folders)) < len(folders):
            raise UserError("two jobs would write to one folder: say name='lr-${training.lr}'")
        return configs

    def restore(self, values: Mapping[str, object], *, said: str) -> Config:
        """Return the config that a run has recorded as JSON values.

        Args:
            said: how the user named the run, for errors.

        Raises:
            UserError: it is of another version.
        """
        return _from_values(values, self.schema, said=said)

    def settings(self) -> Settings:
        """Return what a user can set in this recipe."""
        return _settings(self.name)

    def main(self, argv: Sequence[str] | None = None) -> int:
        """Run from the command line; return the exit code."""
        words = list(sys.argv[1:] if argv is None else argv)
        debug = take_flag(words, "--debug")
        quieten()
        let_waiting_threads_sleep()
        try:
            return self._run_words(words)
        except KeyboardInterrupt:
            print(f"lokal {self.name}: interrupted; run the same command to go on", file=sys.stderr)
            return _INTERRUPTED
        except Exception as error:  # the one place where errors become exit codes
            if debug:
                print(hide_secrets(traceback.format_exc(), words=words), file=sys.stderr, end="")
            said = hide_secrets(one_line(error), words=words)
            print(f"lokal {self.name}: {said}", file=sys.stderr)
            return exit_code(error)

    def _run_words(self, words: list[str]) -> int:
        take_config_folder(words)
        if take_flag(words, "--multirun") or take_flag(words, "-m"):
            return _sweep(self, words)
        if resolved := take_value(words, "--config"):
            return self(_from_file(Path(resolved), self.schema))
        if self._has("dry_run") and take_flag(words, "--dry-run"):
            words.append("dry_run=true")
        if take_flag(words, "--help") or take_flag(words, "-h"):
            doc = self.run.__doc__ or ""
            print(usage(self.name, doc=doc, settings=self.settings(), examples=self.examples))
            return ExitCode.DONE
        if take_flag(words, "--cfg"):
            self.compose(words)  # what cannot run is not shown as if it could
            own, _ = self._split(words)
            print(OmegaConf.to_yaml(_compose(self.name, own), resolve=True), end="")
            return ExitCode.DONE
        return self(self.compose(words))

    def _split(self, words: Sequence[str]) -> tuple[list[str], list[str]]:
        """Return the words that this recipe reads, and those that it carries to another one."""
        if not self.carries:
            return list(words), []
        mine = [word for word in words if word.startswith("-") or self._has(_first_key(word))]
        return mine, [word for word in words if word not in mine]

    def _has(self, key: str) -> bool:
        own = {item.name for item in fields(cast("type[_Carrier]", self.schema))}
        return key in own - {"words"}


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


def _sweep(recipe: Recipe, words: Sequence[str]) -> ExitCode:
    """Run the recipe once for each combination of values, through Hydra's launcher."""
    typed = sys.argv
    os.environ["HYDRA_FULL_ERROR"] = "1"  # an error comes up to us, not a page about it
    try:
        configs = recipe.compose_each(words)
        root = getattr(configs[0], "root", "runs")
        place = f"{root}/sweeps/{recipe.name}-{datetime.now(UTC):%Y%m%d-%H%M%S}"
        say("sweep", f"{len(configs)} jobs; what the launcher writes is in {place}")
        own = [f"hydra.sweep.dir='{place}'", f"hydra.job.name=lokal-{recipe.name}"]
        own += ["hydra.output_subdir=null", "hydra/job_logging=none", "hydra/hydra_logging=none"]
        sys.argv = [recipe.name, "--multirun", *own, *words]
        hydra.main("pkg://lokal.configs", recipe.name, version_base="1.3")(_run_swept)()
    except HydraException as error:
        raise _user_error(recipe.name, error) from error
    finally:
        sys.argv = typed
    return ExitCode.DONE


def _run_swept(config: DictConfig) -> None:
    """Run one job of a sweep, perhaps in another process."""
    name = HydraConfig.get().job.config_name
    recipe: Recipe = getattr(import_module(f"lokal.recipes.{name}"), str(name))
    plain = _convert(config, name=recipe.name, schema=recipe.schema, overrides=())
    if code := recipe(plain):
        raise RunError(f"a job of the sweep ended with code {code}", code=ExitCode(code))


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
    except ValueError as error:
        raise UserError(f"--config {path}: {str(error).splitlines()[0]}") from error
    return _from_values(values, schema, said=f"--config {path}")


def _from_values(values: Mapping[str, object], schema: type[Config], *, said: str) -> Config:
    try:
        plain = OmegaConf.to_object(OmegaConf.merge(OmegaConf.structured(schema), values))
    except (OmegaConfBaseException, ValueError) as error:
        raise UserError(f"{said}: {str(error).splitlines()[0]}") from error
    assert isinstance(plain, schema)
    return plain


def _user_error(name: str, error: Exception) -> UserError:
    return UserError(explain(error, _settings(name)))
