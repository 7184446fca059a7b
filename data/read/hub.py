"""Rows out of a data set of the Hub, streamed, and out of a folder that ``datasets`` can load."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, cast

from ..errors import UserError
from ..settings import Format, Source
from ..source_files import SourceMissing
from ..sources import OnProgress, Part
from .row import RawRow

if TYPE_CHECKING:
    from collections.abc import Mapping

    from datasets import IterableDataset


def read_hub(part: Part, *, max_row_bytes: int, on_progress: OnProgress) -> Iterator[RawRow]:
    """Yield the rows of the part's share of the files; no code of the data set is ever run.

    Raises:
        SourceMissing: the data set cannot be opened: its name, the network, or its gate.
        UserError: the stream broke; a new run reads this part from its start.
    """
    del max_row_bytes, on_progress  # the stream tells neither
    source, number = part.source, -1
    kept = [source.path, source.hub_config, source.hub_data_dir, source.hub_split]
    place = " ".join(["hub data set", *filter(None, kept)])
    try:
        for number, values in enumerate(_open(part) or ()):
            row_place = f"{source.path}: row {number + 1}"
            if part.begin:
                row_place = f"{source.path}: row {number + 1} of stream {part.begin + 1}"
            yield RawRow(row_place, number, cast("Mapping[str, object]", values))
    except (OSError, ValueError, RuntimeError) as error:
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        if number < 0:
            raise SourceMissing(f"{place} cannot be read ({reason}): {_cure(source)}") from error
        raise UserError(
            f"{place} broke after row {number + 1} ({reason}): "
            "run it again; this part is then read from its start, finished ones are kept"
        ) from error


def _open(part: Part) -> "IterableDataset | None":
    from datasets import load_dataset

    source = part.source
    rows = load_dataset(
        source.path,
        name=source.hub_config,
        data_dir=source.hub_data_dir,
        data_files=source.hub_data_files,
        split=source.hub_split,
        revision=source.hub_revision,
        streaming=True,
    )
    num_streams = min(source.hub_parts, rows.num_shards)
    if part.begin >= num_streams:
        return None
    return rows.shard(num_streams, part.begin) if num_streams > 1 else rows


def _cure(source: Source) -> str:
    if source.format is Format.dataset:
        return "check the folder and hub_split"
    if source.gated:
        page = f"https://huggingface.co/datasets/{source.path}"
        return f"accept its terms at {page} and set HF_TOKEN, or use local files"
    return "check the name, the network and HF_TOKEN, or use local files"
