"""What ``lokal prepare`` reads and writes, and whether it is done; imports nothing heavy."""

from dataclasses import dataclass
from pathlib import Path

from .config import as_json
from .errors import UserError
from .hardware import num_cores
from .manifest import Json, is_done, work_key
from .region import Region
from .scripts import script_name
from .settings import Corpus, PrepareConfig
from .sources import Part, list_parts
from .suite import Suite, items_path, load_suite, suite_languages

_BYTES_PER_WORKER = 64 * 2**20
_NOT_IN_KEY = {"name", "root", "overwrite", "engine"}


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
        files = [part.file for part in self.parts if part.file]
        return sorted({*files, *_held_items(self.config)})

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
    for part in parts:
        if part.source.suite is not None:
            load_suite(part.source.suite)
    files = [part.file for part in parts if part.file]
    inputs = sorted({*files, *_held_items(config)})
    return CorpusPlan(
        config=config, parts=parts, key=work_key("prepare", _key_config(config), inputs)
    )


def held_splits(suite: Suite) -> list[str]:
    """Return the splits that no training row may share: all but ``train``."""
    return [split for split in suite.items if split != "train"]


def _held_items(config: PrepareConfig) -> list[Path]:
    paths: list[Path] = []
    for name in config.decontaminate:
        suite = load_suite(name)
        for split in held_splits(suite):
            languages = suite_languages(suite, split=split)
            if not languages:
                raise UserError(
                    f"suite {name} has no {split} items: correct its YAML or leave it out"
                )
            paths += [items_path(suite, split=split, language=code) for code in languages]
    return paths


def _key_config(config: PrepareConfig) -> dict[str, Json]:
    values = {name: value for name, value in as_json(config).items() if name not in _NOT_IN_KEY}
    suites = {part.suite for part in config.corpus.sources.values() if part.suite}
    values["suites"] = {
        name: as_json(load_suite(name)) for name in sorted(suites | set(config.decontaminate))
    }
    return values
