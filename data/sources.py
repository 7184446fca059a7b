"""From a corpus and a region to the parts that are read: a file, a share of one, or a stream."""

import math
import re
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple, TypeAlias

from .artifacts import refuse_artifact_file
from .errors import UserError
from .region import Region
from .sample_files import resolve_sample
from .settings import Corpus, Format, Source
from .source_files import SourceMissing, find_arrow_files, find_files, fixed_root

OnProgress: TypeAlias = Callable[[int], None]


class Stamp(NamedTuple):
    """What changes when a file is written to."""

    size_bytes: int
    modified_ns: int


def stamp_of(file: Path) -> Stamp:
    """Return the file's size and time of change."""
    status = file.stat()
    return Stamp(status.st_size, status.st_mtime_ns)


@dataclass(frozen=True, kw_only=True, slots=True)
class Part:
    """What one task reads: a file, a share of a large one, or a stream of a Hub data set.

    Parts depend on the files and the corpus' settings alone, not on who reads them.
    """

    source_name: str
    source: Source
    """With the region's codes filled in."""
    file: Path | None
    file_name: str = ""
    """The file's path below the folder that the source names; unique in the source."""
    begin: int = 0
    """First byte (JSONL), row group (Parquet), or number of the stream (Hub)."""
    end: int | None = None
    """The byte or row group behind the last one; None: to the end of the file."""
    size_bytes: int = 0
    """Bytes on disk; 0 where that is not known."""
    stamp: Stamp | None = None
    """The file as it was when the run was planned."""
    problem: str | None = None
    """Why the source cannot be read; such a part has no file, and is there to be counted."""

    @property
    def label(self) -> str:
        """What messages call it."""
        if self.file is None:
            return f"{self.source.format.value} data set {self.source.path}"
        if self.begin == 0 and self.end is None:
            return str(self.file)
        unit = "bytes" if self.source.format is Format.jsonl else "row groups"
        return f"{self.file} {unit} {self.begin} to {self.end}"

    @property
    def inputs(self) -> list[Path]:
        """The files on this machine that the part's rows come from, sorted."""
        if self.file is not None:
            return [self.file]
        folder = Path(self.source.path)
        if self.problem is not None or not folder.is_dir():
            return []
        return sorted(file for file in folder.rglob("*") if file.is_file())


def list_parts(corpus: Corpus, region: Region) -> list[Part]:
    """Return the parts of all sources that serve the region, in the corpus' order.

    Raises:
        SourceMissing: a file is missing and the corpus does not skip such sources.
        UserError: no source serves the region, or a file holds recorded answers.
    """
    parts: list[Part] = []
    for name, source in corpus.sources.items():
        if not source.regions or region.code in source.regions:
            filled = _fill_in(name, source, region)
            try:
                parts += _parts_of(name, filled, part_bytes=corpus.part_bytes)
            except SourceMissing as error:
                if not corpus.skip_missing:
                    raise
                parts.append(Part(source_name=name, source=filled, file=None, problem=str(error)))
    if not parts:
        raise UserError(
            f"corpus {corpus.name} has no source for region {region.code}: "
            "add one, or the region's code to a source's regions"
        )
    if all(part.problem for part in parts):
        raise SourceMissing(f"every source of corpus {corpus.name} is missing: {parts[0].problem}")
    return parts


def _parts_of(name: str, source: Source, *, part_bytes: int) -> list[Part]:
    if source.format is Format.hub:
        refuse_artifact_file(f"source {name}", Path(source.path) / "any")
        return _streams(name, source)
    if source.format is Format.dataset:
        files = find_arrow_files(name, source)
        if not files:
            folder = resolve_sample(source.path)
            refuse_artifact_file(f"source {name}", folder / "any")
            return _streams(name, replace(source, path=str(folder), hub_parts=1))
    else:
        files = find_files(name, source.path)
    parts: list[Part] = []
    root = fixed_root(source.path)
    for file in files:
        refuse_artifact_file(f"source {name}", file)
        relative = file.relative_to(root) if file.is_relative_to(root) else Path(file.name)
        stamp = stamp_of(file)
        whole = Part(
            source_name=name,
            source=source,
            file=file,
            file_name=str(relative),
            size_bytes=stamp.size_bytes,
            stamp=stamp,
        )
        parts += _split(whole, part_bytes=part_bytes)
    return parts


def _streams(name: str, source: Source) -> list[Part]:
    """Return one part for each split and each of its streams."""
    splits = [split.strip() for split in source.hub_split.split(",")]
    return [
        Part(source_name=name, source=replace(source, hub_split=split), file=None, begin=number)
        for split in splits
        for number in range(source.hub_parts)
    ]


def _split(part: Part, *, part_bytes: int) -> list[Part]:
    """Return the file's shares, where it is large and can be read from its middle."""
    assert part.file is not None
    if part.size_bytes <= part_bytes or part.source.limit_rows is not None:
        return [part]
    if part.source.format is Format.jsonl and part.file.suffix not in (".gz", ".zst"):
        begins = range(0, part.size_bytes, part_bytes)
        ends = [min(begin + part_bytes, part.size_bytes) for begin in begins]
        return [
            replace(part, begin=begin, end=end, size_bytes=end - begin)
            for begin, end in zip(begins, ends, strict=True)
        ]
    if part.source.format is Format.parquet:
        return _split_row_groups(part, part_bytes=part_bytes)
    return [part]


def _split_row_groups(part: Part, *, part_bytes: int) -> list[Part]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    assert part.file is not None
    try:
        metadata = pq.read_metadata(part.file)
    except (pa.ArrowException, OSError):
        return [part]  # its reader says what is wrong
    num_groups = metadata.num_row_groups
    num_parts = min(num_groups, math.ceil(part.size_bytes / part_bytes))
    if num_parts < 2:
        return [part]
    bounds = [num_groups * at // num_parts for at in range(num_parts + 1)]
    return [
        replace(part, begin=begin, end=end, size_bytes=part.size_bytes // num_parts)
        for begin, end in pairwise(bounds)
    ]


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

    def fill(text: str) -> str:
        return re.sub(r"\{(\w+)\}", code_of, text)

    filled = {
        item.name: fill(value)
        for item in fields(source)
        if isinstance(value := getattr(source, item.name), str)
    }
    where = {column: fill(values) for column, values in source.where.items()}
    return replace(source, **filled, where=where)
