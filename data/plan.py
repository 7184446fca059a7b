"""What ``lokal prepare`` reads and writes, and whether it is done; imports nothing heavy."""

from dataclasses import dataclass
from pathlib import Path

from .config import as_json
from .decontamination.held_items import list_held_files
from .errors import UserError
from .hardware import num_cores
from .instruction import load_task
from .language.register import Registers
from .manifest import Json, is_done, work_key
from .region import Region
from .scripts import script_name
from .settings import Corpus, PrepareConfig
from .sources import Part, list_parts
from .suite import load_suite

_BYTES_PER_WORKER = 64 * 2**20
_NOT_IN_KEY = {"name", "root", "overwrite", "engine", "tokenizer"}


@dataclass(frozen=True, kw_only=True, slots=True)
class CorpusPlan:
    """One region's corpus before it is made."""

    config: PrepareConfig
    parts: list[Part]
    key: str

    @property
    def region(self) -> Region:
        """The region that the rows are for."""
        return self.config.region

    @property
    def corpus(self) -> Corpus:
        """The corpus with its sources as they were written."""
        return self.config.corpus

    @property
    def folder(self) -> Path:
        """The finished corpus."""
        return self.run_folder / "corpus" / self.region.code

    @property
    def run_folder(self) -> Path:
        """The run's own folder."""
        return Path(self.config.root) / self.config.name

    @property
    def inputs(self) -> list[Path]:
        """Every file that is read: sources, and the items that are kept out."""
        return _inputs(self.config, self.parts)

    @property
    def size_bytes(self) -> int:
        """Bytes of all source files."""
        return sum(part.size_bytes for part in self.parts)

    @property
    def num_workers(self) -> int:
        """Processes to read with."""
        if self.config.engine.workers is not None:
            return min(self.config.engine.workers, len(self.parts))
        wanted = max(1, self.size_bytes // _BYTES_PER_WORKER)
        return min(wanted, num_cores(), len(self.parts))

    def is_done(self) -> bool:
        """Return whether this very corpus is finished.

        Raises:
            UserError: its folder holds a corpus with other settings.
        """
        return is_done(self.folder, key=self.key, overwrite=self.config.overwrite)


def plan_corpus(config: PrepareConfig) -> CorpusPlan:
    """Return the plan for one region and corpus.

    Raises:
        UserError: a source, file, suite or script is missing or wrong.
    """
    for script in config.region.scripts:
        script_name(script)
    parts = list_parts(config.corpus, config.region)
    Registers(config.region, config.language.registers)
    key = work_key("prepare", _key_config(config, parts), _inputs(config, parts))
    return CorpusPlan(config=config, parts=parts, key=key)


def _inputs(config: PrepareConfig, parts: list[Part]) -> list[Path]:
    files = {file for part in parts for file in part.inputs}
    items = {held.path for held in list_held_files(config.decontaminate)}
    named = {
        "tokenizer": [tokenizer_file(config.tokenizer)] if config.tokenizer else [],
        "quality.perplexity_model": _paths(config.quality.perplexity_model),
        "language.model_path": _paths(config.language.model_path),
        "decontaminate.deny_lists": [folder / "about.json" for folder in own_deny_lists(config)],
    }
    for field, paths in named.items():
        for path in paths:
            if not path.is_file():
                raise UserError(f"{field}: {path} does not exist: correct the path")
            files.add(path)
    return sorted(files | items)


def _paths(name: str | None) -> list[Path]:
    return [Path(name).expanduser()] if name else []


def tokenizer_file(tokenizer: str) -> Path:
    """Return the ``tokenizer.json`` that a checkpoint's folder or the file's own path names."""
    path = Path(tokenizer).expanduser()
    return path / "tokenizer.json" if path.is_dir() else path


def own_deny_lists(config: PrepareConfig) -> list[Path]:
    """Return the folders of deny lists that were made elsewhere."""
    return [Path(folder).expanduser().resolve() for folder in config.decontaminate.deny_lists]


def _key_config(config: PrepareConfig, parts: list[Part]) -> dict[str, Json]:
    """Return what changes the result, with the suites and instructions that settings only name."""
    values = {name: value for name, value in as_json(config).items() if name not in _NOT_IN_KEY}
    sources = [part.source for part in parts]
    suites = {source.suite for source in sources if source.suite}
    tasks = {source.task for source in sources if source.task}
    values["suites"] = {
        name: _without_leave(as_json(load_suite(name)))
        for name in sorted(suites | {*config.decontaminate.suites})
    }
    values["tasks"] = {name: as_json(load_task(config.region.code, name)) for name in sorted(tasks)}
    return values


def _without_leave(suite: dict[str, Json]) -> dict[str, Json]:
    """Return a suite without what changes no corpus: whether its items may be sent elsewhere."""
    return {name: value for name, value in suite.items() if name != "may_leave"}
