"""Where the ledgers of costs lie that a report reads; imports nothing heavy."""

from pathlib import Path

from ..data.cost_ledger import LEDGER_NAME
from ..data.manifest import Json, read_manifest, sha256_of_file
from .settings import CompareConfig


def ledgers_seen(config: CompareConfig) -> list[Json]:
    """Return the hash of every ledger that the report reads: a new line makes it anew."""
    found = [*api_folders(config), *(training_folder(config, code) for code in config.models)]
    paths = [folder / LEDGER_NAME for folder in dict.fromkeys(found)]
    return [sha256_of_file(path) for path in paths if path.is_file()]


def training_folder(config: CompareConfig, region: str) -> Path:
    """Return the run that trained the region's child: its model lies there in ``model``."""
    return Path(config.models[region]).resolve().parent


def api_folders(config: CompareConfig) -> list[Path]:
    """Return where vendors' bills are kept: of the run, its judges, and the compared systems."""
    run = (Path(config.root) / config.name).resolve()
    folders = [run, *sorted(path.parent for path in run.glob(f"judge/**/{LEDGER_NAME}"))]
    for system in [config.parent, *map(config.child_of, config.regions), *config.baselines]:
        own = config.generations(system)
        manifest = read_manifest(own)
        frozen = manifest.config.get("frozen") if manifest else None
        folders += [Path(str(frozen)), own] if frozen else [own]
    return list(dict.fromkeys(folders))
