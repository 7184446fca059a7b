"""Token rows of a corpus on disk: encoded once, kept as one Arrow file that is memory-mapped."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from transformers import PreTrainedTokenizerBase

from .chat import EncodedConversation
from .corpus_rows import CorpusRow, CorpusRows
from .errors import UserError
from .packing import Ints
from .progress import progress_bar
from .row_encoder import RowEncoder
from .stage_kind import StageKind

ROWS_NAME = "rows.arrow"
ORDER_NAME = "order.arrow"
_SCHEMA = pa.schema(
    [
        ("id", pa.string()),
        ("source", pa.string()),
        ("lang", pa.string()),
        ("ids", pa.list_(pa.int32())),
        ("trained", pa.list_(pa.bool_())),
    ]
)
_ORDER_SCHEMA = pa.schema([("row", pa.int32())])


class TokenCounts(NamedTuple):
    """What became of the rows."""

    rows: int
    tokens: int
    trained_tokens: int
    too_long: int
    """Conversations longer than the limit: left out and counted, never cut."""
    tokens_by_source: dict[str, int]


class Group(NamedTuple):
    """What losses are told apart by."""

    language: str
    source: str


@dataclass(frozen=True, slots=True)
class TokenRows:
    """Rows of a finished token folder, in a fixed order."""

    table: pa.Table
    order: Ints | None = None
    """Row numbers in the order of training; a mix leaves some out and repeats others."""
    groups: tuple["Group", ...] = field(init=False)
    """The languages and sources that occur; rows name them by index."""
    _group_of: Ints = field(init=False)

    def __post_init__(self) -> None:
        languages, sources = (_codes(self.table[name]) for name in ("lang", "source"))
        pairs = languages.of_row.astype(np.int64) * len(sources.names) + sources.of_row
        found, group_of = np.unique(pairs, return_inverse=True)
        groups = tuple(
            Group(
                languages.names[pair // len(sources.names)],
                sources.names[pair % len(sources.names)],
            )
            for pair in found.tolist()
        )
        # Frozen: these are derived once from the table.
        object.__setattr__(self, "groups", groups)
        object.__setattr__(self, "_group_of", group_of)

    @classmethod
    def open(cls, folder: Path) -> "TokenRows":
        """Map the folder's Arrow files into memory; nothing is copied until a row is read."""
        with pa.memory_map(str(folder / ROWS_NAME)) as source:
            table = pa.ipc.open_file(source).read_all()
        if not (folder / ORDER_NAME).is_file():
            return cls(table)
        with pa.memory_map(str(folder / ORDER_NAME)) as source:
            return cls(table, pa.ipc.open_file(source).get_batch(0).column(0).to_numpy())

    def __len__(self) -> int:
        return self.table.num_rows if self.order is None else len(self.order)

    def row(self, index: int) -> EncodedConversation:
        """Return token ids, trained flags and group of one row."""
        if self.order is not None:
            index = int(self.order[index])
        ids = self.table["ids"][index].values.to_numpy(zero_copy_only=False)
        trained = self.table["trained"][index].values.to_numpy(zero_copy_only=False)
        return EncodedConversation(ids.tolist(), trained.tolist(), int(self._group_of[index]))

    def lengths(self) -> Ints:
        """Return each row's length in tokens."""
        chunks = [chunk.value_lengths().to_numpy() for chunk in self.table["ids"].chunks]
        lengths = np.concatenate([np.zeros(0, np.int64), *chunks]).astype(np.int64)
        return lengths if self.order is None else lengths[self.order]

    def shared_prefix(self) -> list[int]:
        """Return the ids that every row begins with, ending two before the first trained token.

        The token before the first trained one stays with the row, since its hidden state predicts
        it.
        """
        prefix: list[int] | None = None
        for index in range(len(self)):
            ids, trained, _ = self.row(index)
            limit = max(0, (trained.index(True) if True in trained else len(ids)) - 1)
            candidate = ids[:limit] if prefix is None else prefix[:limit]
            common = next(
                (
                    k
                    for k, pair in enumerate(zip(candidate, ids, strict=False))
                    if pair[0] != pair[1]
                ),
                None,
            )
            prefix = candidate if common is None else candidate[:common]
            if not prefix:
                return []
        return prefix or []


class _Codes(NamedTuple):
    names: list[str]
    of_row: Ints


def _codes(column: pa.ChunkedArray) -> _Codes:
    """Return the column's distinct texts, sorted, and the index of each row's among them."""
    encoded = column.combine_chunks().dictionary_encode()
    texts = [str(text) for text in encoded.dictionary.to_pylist()]
    names = sorted(texts)
    place = np.array([names.index(text) for text in texts], np.int32)
    return _Codes(names, place[encoded.indices.to_numpy()])


def write_order(folder: Path, order: Ints) -> None:
    """Say which rows of the folder are trained, and in which order they are numbered."""
    batch = pa.RecordBatch.from_arrays([pa.array(order, pa.int32())], schema=_ORDER_SCHEMA)
    with (
        pa.OSFile(str(folder / ORDER_NAME), "wb") as sink,
        pa.ipc.new_file(sink, _ORDER_SCHEMA) as to,
    ):
        to.write_batch(batch)


def write_tokens(
    folder: Path,
    corpus: Path | Sequence[Path],
    tokenizer: PreTrainedTokenizerBase,
    *,
    sources: Mapping[str, float],
    max_tokens: int,
    stage: StageKind = StageKind.sft,
    plain_text: bool = False,
    max_too_long_share: float = 1.0,
) -> TokenCounts:
    """Encode the chosen sources of one or more corpora into the folder's Arrow file.

    Args:
        folder: gets the file.
        corpus: finished corpora.
        tokenizer: the model's own.
        sources: share of each source's rows to take, in corpus order; 1 takes all.
        max_tokens: longest token row.
        stage: which rows are taken, and what of them is trained; see RowEncoder.
        plain_text: whether ``sft`` takes running text too.
        max_too_long_share: part of the rows that may be left out as too long.

    Raises:
        UserError: a source is in no corpus or of another kind than the stage trains, nothing would
            be trained, or too many rows are too long.
    """
    corpora = [corpus] if isinstance(corpus, Path) else list(corpus)
    rows = CorpusRows(corpora, sources)
    encoder = RowEncoder(tokenizer, stage=stage, plain_text=plain_text, max_tokens=max_tokens)
    for row in rows.first_rows():  # a wrong source is told before an hour of encoding
        encoder.refuse_other(row)
    tally = _Tally()
    with (
        pa.OSFile(str(folder / ROWS_NAME), "wb") as sink,
        pa.ipc.new_file(sink, _SCHEMA) as writer,
        progress_bar(total=len(rows), label="encode", unit="row") as bar,
    ):
        for batch in rows.batches():
            encoded = [
                (row, part)
                for row, parts in zip(batch, encoder.encode(batch), strict=True)
                for part in tally.of(row, parts)
            ]
            if encoded:
                writer.write_batch(_record_batch(encoded))
            bar.update(len(batch))
    counts = tally.counts()
    if counts.trained_tokens == 0:
        raise UserError(
            f"{', '.join(map(str, corpora))}: no token would be trained ({counts.too_long} rows "
            f"longer than tokens.max_tokens={max_tokens}): raise the limit or choose other sources"
        )
    if counts.too_long > max_too_long_share * len(rows):
        raise UserError(
            f"{counts.too_long} of {len(rows)} rows are longer than tokens.max_tokens={max_tokens} "
            f"and would be left out, more than tokens.max_too_long_share={max_too_long_share:g}: "
            "raise tokens.max_tokens, or the share if that is meant"
        )
    return counts


@dataclass(slots=True)
class _Tally:
    """Counts the token rows as they pass."""

    rows: int = 0
    trained_tokens: int = 0
    too_long: int = 0
    tokens_by_source: Counter[str] = field(default_factory=Counter)

    def of(self, row: CorpusRow, parts: list[EncodedConversation]) -> list[EncodedConversation]:
        """Count the token rows of one corpus row, and pass them on."""
        self.rows += len(parts)
        self.too_long += not parts
        self.trained_tokens += sum(sum(part.trained) for part in parts)
        if parts:
            self.tokens_by_source[row["source"]] += sum(len(part.ids) for part in parts)
        return parts

    def counts(self) -> TokenCounts:
        """Return the sums."""
        tokens = self.tokens_by_source.total()
        by_source = dict(self.tokens_by_source)
        return TokenCounts(self.rows, tokens, self.trained_tokens, self.too_long, by_source)


def _record_batch(encoded: Sequence[tuple[CorpusRow, EncodedConversation]]) -> pa.RecordBatch:
    lengths = [len(part.ids) for _, part in encoded]
    starts = pa.array(np.concatenate([[0], np.cumsum(lengths)]), pa.int32())
    ids = np.fromiter(chain.from_iterable(part.ids for _, part in encoded), np.int32)
    trained = np.fromiter(chain.from_iterable(part.trained for _, part in encoded), np.bool_)
    return pa.RecordBatch.from_arrays(
        [
            *(
                pa.array([row[name] for row, _ in encoded], pa.string())
                for name in ("id", "source", "lang")
            ),
            pa.ListArray.from_arrays(starts, pa.array(ids)),
            pa.ListArray.from_arrays(starts, pa.array(trained)),
        ],
        schema=_SCHEMA,
    )
