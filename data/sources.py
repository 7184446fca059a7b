"""From a corpus and a region to the parts that are read: one file, or one Hub data set, each."""

import glob
import re
from dataclasses import dataclass, fields, replace
from pathlib import Path

from .errors import UserError
from .region import Region
from .sample_files import resolve_sample
from .settings import Corpus, Format, Source

_RECORDED_FOLDERS = {"recorded", "baselines"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Part:
    """One file of a source; a Hub data set is one part without a file."""

    source_name: str
    source: Source
    """With the region's codes filled in."""
    file: Path | None

    @property
    def label(self) -> str:
        """What messages call it."""
        return str(self.file) if self.file else f"hub data set {self.source.path}"

    @property
    def size_bytes(self) -> int:
        """Bytes on disk; 0 where that is not known."""
        return self.file.stat().st_size if self.file else 0


def list_parts(corpus: Corpus, region: Region) -> list[Part]:
    """Return the parts of all sources that serve the region, in the corpus' order.

    Raises:
        UserError: no source serves the region, a file is missing, or holds recorded answers.
    """
    parts: list[Part] = []
    for name, source in corpus.sources.items():
        if not source.regions or region.code in source.regions:
            parts += _parts_of(name, _fill_in(name, source, region))
    if not parts:
        raise UserError(
            f"corpus {corpus.name} has no source for region {region.code}: "
            "add one, or the region's code to a source's regions"
        )
    return parts


def _parts_of(name: str, source: Source) -> list[Part]:
    if source.format is Format.hub:
        return [Part(source_name=name, source=source, file=None)]
    files = _find_files(name, source.path)
    for file in files:
        _refuse_recorded_folder(name, file)
    return [Part(source_name=name, source=source, file=file) for file in files]


def _find_files(name: str, path: str) -> list[Path]:
    pattern = str(resolve_sample(path))
    if not glob.has_magic(pattern):
        file = Path(pattern)
        if file.is_dir():
            raise UserError(f"source {name}: {path} is a folder: write {path.rstrip('/')}/*")
        if not file.is_file():
            raise UserError(
                f"source {name}: {path} does not exist: correct corpus.sources.{name}.path"
            )
        return [file]
    files = sorted(Path(found) for found in glob.glob(pattern, recursive=True))
    files = [file for file in files if file.is_file()]
    if not files:
        raise UserError(
            f"source {name}: no file matches {path}: correct corpus.sources.{name}.path"
        )
    return files


def _refuse_recorded_folder(name: str, file: Path) -> None:
    wrong = _RECORDED_FOLDERS & set(file.resolve().parent.parts)
    if wrong:
        raise UserError(
            f"source {name}: {file} lies in a folder {sorted(wrong)[0]!r} of recorded model "
            "answers: they are for comparison only and may not be trained on"
        )


def _fill_in(name: str, source: Source, region: Region) -> Source:
    codes = {"region": region.code, "flores": region.flores[0]}
    for code in ("iso639_3", "sib200", "belebele", "global_mmlu", "fineweb2"):
        codes[code] = getattr(region, code)

    def code_of(match: re.Match[str]) -> str:
        if match.group(1) not in codes:
            raise UserError(
                f"source {name}: {match.group(0)} is not a code of a region: "
                f"choose one of {', '.join(sorted(codes))}"
            )
        return codes[match.group(1)]

    filled = {
        item.name: re.sub(r"\{(\w+)\}", code_of, value)
        for item in fields(source)
        if isinstance(value := getattr(source, item.name), str)
    }
    return replace(source, **filled)
