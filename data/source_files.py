"""The files that a source names: by path, by glob, or in a folder that ``datasets`` saved."""

import glob
import json
from collections.abc import Iterator
from pathlib import Path

from .errors import UserError
from .sample_files import resolve_sample
from .settings import Source


class SourceMissing(UserError):
    """A source that is not there, gated, or out of reach; ``skip_missing`` goes on without it."""


def find_arrow_files(name: str, source: Source) -> list[Path]:
    """Return the Arrow files that ``save_to_disk`` wrote, in order; none for other folders."""
    folder = resolve_sample(source.path)
    if not folder.is_dir():
        raise SourceMissing(
            f"source {name}: {source.path} is no folder: correct corpus.sources.{name}.path"
        )
    folders = [folder]
    if (folder / "dataset_dict.json").is_file():
        folders = [folder / split.strip() for split in source.hub_split.split(",")]
    files: list[Path] = []
    for saved in folders:
        state = saved / "state.json"
        if not state.is_file():
            if saved != folder:
                raise SourceMissing(
                    f"source {name}: {source.path} has no split {saved.name}: correct hub_split"
                )
            return []
        names = json.loads(state.read_text(encoding="utf-8"))["_data_files"]
        files += [saved / item["filename"] for item in names]
    return files


def find_files(name: str, path: str) -> list[Path]:
    """Return the files that a path or glob names, each once, sorted; links that loop end there.

    Raises:
        SourceMissing: there is none, or a link leads nowhere.
    """
    pattern = str(resolve_sample(path))
    cure = f"correct corpus.sources.{name}.path"
    file = Path(pattern)
    if file.is_file() or not glob.has_magic(pattern):
        if file.is_dir():
            raise UserError(f"source {name}: {path} is a folder: write {path.rstrip('/')}/*")
        if not file.is_file():
            raise SourceMissing(f"source {name}: {path} does not exist: {cure}")
        return [file]
    files: dict[Path, Path] = {}
    for file in sorted(_matches(pattern)):
        if file.is_file():
            files.setdefault(file.resolve(), file)
        elif file.is_symlink() and not file.is_dir():
            raise SourceMissing(f"source {name}: {file} is a link that leads nowhere: {cure}")
    if not files:
        raise SourceMissing(f"source {name}: no file matches {path}: {cure}")
    return sorted(files.values())


def _matches(pattern: str) -> Iterator[Path]:
    """Yield what the glob matches; ``**`` follows no links, so none can lead in a circle."""
    root = fixed_root(pattern)
    rest = str(Path(pattern).relative_to(root))
    for path in root.glob(rest + "/*" if rest.endswith("**") else rest):
        hidden = [name for name in path.relative_to(root).parts if name.startswith(".")]
        if not hidden or any(name.startswith(".") for name in Path(rest).parts):
            yield path


def fixed_root(path: str) -> Path:
    """Return the folder above the first part of the path that has a wildcard."""
    parts = resolve_sample(path).parts
    fixed = [at for at, part in enumerate(parts) if glob.has_magic(part)]
    return Path(*parts[: fixed[0] if fixed else -1])
