"""Held-out rows of finished corpora, encoded so that their bits per byte can be measured."""

import hashlib
import heapq
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple, cast

import pyarrow as pa
import pyarrow.parquet as pq
from transformers import PreTrainedTokenizerBase

from .chat import ConversationEncoder, EncodedConversation, encode_texts
from .corpus_rows import CorpusRow
from .row_encoder import RowEncoder
from .stage_kind import StageKind

_COLUMNS = ["id", "text", "lang", "source", "messages"]


class HeldoutRow(NamedTuple):
    """One held-out row as token rows, each token of its text predicted exactly once."""

    language: str
    num_bytes: int
    """Of the text that is predicted, in UTF-8."""
    pieces: list[EncodedConversation]


def read_heldout(corpora: Sequence[Path], *, rows_a_language: int) -> list[CorpusRow]:
    """Return up to so many rows of each language, those with the smallest hash of their id.

    So the same corpora give the same rows, whatever the order of their files.
    """
    chosen: dict[str, list[tuple[int, int, CorpusRow]]] = defaultdict(list)
    if rows_a_language == 0:
        return []
    # The number breaks ties before rows would be compared.
    for number, (row_hash, row) in enumerate(_rows(corpora, chosen, limit=rows_a_language)):
        heap = chosen[row["lang"]]
        push = heapq.heappush if len(heap) < rows_a_language else heapq.heappushpop
        push(heap, (-row_hash, number, row))
    return [
        row
        for language in sorted(chosen)
        for _, _, row in sorted(chosen[language], key=lambda item: (-item[0], item[1]))
    ]


def encode_heldout(
    rows: Sequence[CorpusRow], tokenizer: PreTrainedTokenizerBase, *, max_tokens: int
) -> list[HeldoutRow]:
    """Encode the rows; conversations longer than the limit are left out.

    Running text is predicted from its first token on, behind the token that begins or separates
    documents; of conversations the replies are, and an end-of-turn token counts no byte.
    """
    texts = [row for row in rows if row["messages"] is None]
    start = document_start(tokenizer)
    text_ids = encode_texts(tokenizer, [row["text"] for row in texts])
    found = [
        HeldoutRow(
            row["lang"],
            len(row["text"].encode()),
            list(_pieces([start, *ids], max_tokens=max_tokens)),
        )
        for row, ids in zip(texts, text_ids, strict=True)
    ]
    chats = [row for row in rows if row["messages"]]
    encoded = ConversationEncoder(tokenizer).encode([row["messages"] or [] for row in chats])
    for row, chat in zip(chats, encoded, strict=True):
        if len(chat.ids) <= max_tokens:
            trained = [token for token, on in zip(chat.ids, chat.trained, strict=True) if on]
            reply = str(tokenizer.decode(trained, skip_special_tokens=True))
            found.append(HeldoutRow(row["lang"], len(reply.encode()), [chat]))
    return [row for row in found if row.num_bytes]


def document_start(tokenizer: PreTrainedTokenizerBase) -> int:
    """Return the token that running text follows: its own first one, or that between documents."""
    return RowEncoder(tokenizer, stage=StageKind.cpt, plain_text=True, max_tokens=8).document_start


def _rows(
    corpora: Sequence[Path], chosen: dict[str, list[tuple[int, int, CorpusRow]]], *, limit: int
) -> Iterator[tuple[int, CorpusRow]]:
    """Yield the rows that may still be among the chosen ones; the others are not decoded."""
    for corpus in corpora:
        for path in sorted(corpus.glob("heldout-*.parquet")):
            with pq.ParquetFile(path) as table:
                for batch in table.iter_batches(columns=_COLUMNS):
                    hashes = [_hash(str(name)) for name in batch.column("id").to_pylist()]
                    languages = batch.column("lang").to_pylist()
                    places = [
                        place
                        for place, (value, code) in enumerate(zip(hashes, languages, strict=True))
                        if len(chosen[code]) < limit or value < -chosen[code][0][0]
                    ]
                    rows = batch.take(pa.array(places, pa.int64())).to_pylist()
                    yield from zip(
                        (hashes[place] for place in places),
                        cast("list[CorpusRow]", rows),
                        strict=True,
                    )


def _hash(text: str) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big")


def _pieces(ids: list[int], *, max_tokens: int) -> Iterator[EncodedConversation]:
    for start in range(0, len(ids) - 1, max_tokens - 1):
        piece = ids[start : start + max_tokens]
        yield EncodedConversation(piece, [False] + [True] * (len(piece) - 1))
