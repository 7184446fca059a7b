"""Token rows of a corpus on disk: encoded once, kept as one Arrow file that is memory-mapped."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, TypedDict, cast

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from transformers import PreTrainedTokenizerBase

from .chat import EncodedConversation, Message, encode_conversation
from .errors import UserError
from .progress import progress_bar

ROWS_NAME = "rows.arrow"
_SCHEMA = pa.schema(
    [
        ("id", pa.string()),
        ("source", pa.string()),
        ("lang", pa.string()),
        ("ids", pa.list_(pa.int32())),
        ("trained", pa.list_(pa.bool_())),
    ]
)


class CorpusRow(TypedDict):
    """The columns of a corpus row that training reads."""

    id: str
    text: str
    lang: str
    source: str
    messages: list[Message] | None


class TokenCounts(NamedTuple):
    """What became of the rows."""

    rows: int
    tokens: int
    trained_tokens: int
    too_long: int
    """Conversations longer than the limit: left out and counted, never cut."""
    tokens_by_source: dict[str, int]


@dataclass(frozen=True, slots=True)
class TokenRows:
    """Rows of a finished token folder, in a fixed order."""

    table: pa.Table

    @classmethod
    def open(cls, folder: Path) -> "TokenRows":
        """Map the folder's Arrow file into memory; nothing is copied until a row is read."""
        with pa.memory_map(str(folder / ROWS_NAME)) as source:
            return cls(pa.ipc.open_file(source).read_all())

    def __len__(self) -> int:
        return self.table.num_rows

    def row(self, index: int) -> EncodedConversation:
        """Return token ids and trained flags of one row."""
        ids = self.table["ids"][index].values.to_numpy(zero_copy_only=False)
        trained = self.table["trained"][index].values.to_numpy(zero_copy_only=False)
        return EncodedConversation(ids.tolist(), trained.tolist())

    def lengths(self) -> "np.ndarray[tuple[int], np.dtype[np.int64]]":
        """Return each row's length in tokens."""
        return np.array(self.table["ids"].combine_chunks().value_lengths().to_numpy(), np.int64)

    def shared_prefix(self) -> list[int]:
        """Return the ids that every row begins with, ending two before the first trained token.

        The token before the first trained one stays with the row, since its hidden state predicts
        it.
        """
        prefix: list[int] | None = None
        for index in range(len(self)):
            ids, trained = self.row(index)
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


def write_tokens(
    folder: Path,
    corpus: Path,
    tokenizer: PreTrainedTokenizerBase,
    *,
    sources: Mapping[str, float],
    max_tokens: int,
) -> TokenCounts:
    """Encode the chosen sources of a corpus into the folder's Arrow file.

    Args:
        sources: share of each source's rows to take, in corpus order; 1 takes all.

    Raises:
        UserError: a source is not in the corpus, or nothing would be trained.
    """
    rows = _chosen_rows(corpus, sources)
    counts = TokenCounts(0, 0, 0, 0, {})
    with (
        pa.OSFile(str(folder / ROWS_NAME), "wb") as sink,
        pa.ipc.new_file(sink, _SCHEMA) as writer,
        progress_bar(total=len(rows), label="encode", unit="row") as bar,
    ):
        for row in rows:
            bar.update()
            encoded = list(_encode(row, tokenizer, max_tokens=max_tokens))
            if not encoded:
                counts = counts._replace(too_long=counts.too_long + 1)
            for part in encoded:
                counts = _count(counts, row["source"], part)
                writer.write_batch(_record(row, part))
    if counts.trained_tokens == 0:
        raise UserError(
            f"{corpus}: no token would be trained ({counts.too_long} rows longer than "
            f"tokens.max_tokens={max_tokens}): raise the limit or choose other sources"
        )
    return counts


def _chosen_rows(corpus: Path, sources: Mapping[str, float]) -> list[CorpusRow]:
    table = pa.concat_tables(
        [pq.read_table(path) for path in sorted(corpus.glob("train-*.parquet"))]
    )
    rows = cast("list[CorpusRow]", table.select(list(CorpusRow.__annotations__)).to_pylist())
    present = sorted({row["source"] for row in rows})
    if missing := sorted(set(sources) - set(present)):
        raise UserError(f"source {missing[0]!r} is not in {corpus}: it has {', '.join(present)}")
    chosen: list[CorpusRow] = []
    for name, share in sources.items():
        if not 0 < share <= 1:
            raise UserError(f"sources.{name} must lie in (0, 1], got {share}")
        mine = [row for row in rows if row["source"] == name]
        chosen += mine[: max(1, round(share * len(mine)))]
    return chosen


def _encode(
    row: CorpusRow, tokenizer: PreTrainedTokenizerBase, *, max_tokens: int
) -> Iterator[EncodedConversation]:
    if row["messages"] is not None:
        encoded = encode_conversation(tokenizer, row["messages"])
        if len(encoded.ids) <= max_tokens:
            yield _without_untrained_end(encoded)
        return
    ids: list[int] = tokenizer(row["text"], add_special_tokens=False)["input_ids"]
    ids.append(_separator(tokenizer))
    # Pieces overlap by one token, so that each token but the first is predicted exactly once.
    for start in range(0, len(ids) - 1, max_tokens - 1):
        piece = ids[start : start + max_tokens]
        yield EncodedConversation(piece, [False] + [True] * (len(piece) - 1))


def _without_untrained_end(row: EncodedConversation) -> EncodedConversation:
    """Drop the template's text behind the last trained token: nothing is learnt there."""
    end = len(row.trained) - row.trained[::-1].index(True) if True in row.trained else 0
    return EncodedConversation(row.ids[:end], row.trained[:end]) if end else row


def _separator(tokenizer: PreTrainedTokenizerBase) -> int:
    """Return the token that ends a plain document: ``<|endoftext|>`` if known, else EOS."""
    return tokenizer.get_vocab().get("<|endoftext|>", cast("int", tokenizer.eos_token_id))


def _count(counts: TokenCounts, source: str, part: EncodedConversation) -> TokenCounts:
    by_source = dict(counts.tokens_by_source)
    by_source[source] = by_source.get(source, 0) + len(part.ids)
    return counts._replace(
        rows=counts.rows + 1,
        tokens=counts.tokens + len(part.ids),
        trained_tokens=counts.trained_tokens + sum(part.trained),
        tokens_by_source=by_source,
    )


def _record(row: CorpusRow, part: EncodedConversation) -> pa.RecordBatch:
    values: Sequence[list[object]] = [
        [row["id"]],
        [row["source"]],
        [row["lang"]],
        [part.ids],
        [part.trained],
    ]
    return pa.RecordBatch.from_arrays(
        [pa.array(value, type=item.type) for value, item in zip(values, _SCHEMA, strict=True)],
        schema=_SCHEMA,
    )
