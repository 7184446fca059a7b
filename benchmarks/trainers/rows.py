"""The rows that every trainer gets: real chats of three languages, encoded once."""

import gzip
import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TypedDict, TypeVar

import pyarrow as pa
import pyarrow.parquet as pq
from lokal.data.chat import ConversationEncoder
from lokal.data.instruction import ask, load_task, read_task_row
from lokal.data.manifest import write_manifest
from lokal.data.message import Message
from lokal.data.sample_files import resolve_sample
from lokal.data.settings import Labels
from transformers import PreTrainedTokenizerBase

LANGUAGES = ("id", "hi", "tl")
SOURCE = "chats"
UNTRAINED = -100
_Item = TypeVar("_Item")


class Chat(TypedDict):
    """One row before and after encoding."""

    lang: str
    messages: list[Message]
    input_ids: list[int]
    labels: list[int]
    """The id where it is trained, else -100."""


def read_chats(
    tokenizer: PreTrainedTokenizerBase, *, data: Path | None, num_rows: int, max_tokens: int
) -> list[Chat]:
    """Return so many rows, of each language alike, and within it of each source in turn.

    Args:
        data: a folder with ``**/chatterbot/<language>.jsonl`` (``messages``) and
            ``**/tatoeba/en-<language>.jsonl[.gz]`` (``text_en``, ``text_<language>``), taken beside
            the shipped SIB-200 and FLORES rows; None: these alone.
        max_tokens: longer rows are left out.
    """
    by_language = [
        _encoded(tokenizer, language, _sources(language, data), max_tokens=max_tokens)
        for language in LANGUAGES
    ]
    rows = list(_in_turn(by_language, limit=num_rows))
    if len(rows) < num_rows:
        raise SystemExit(f"the data holds {len(rows)} rows of at most {max_tokens} tokens")
    return rows


def write_rows(chats: Sequence[Chat], file: Path) -> None:
    """Write the rows as the peers read them."""
    with file.open("w", encoding="utf-8") as stream:
        for chat in chats:
            row = {"input_ids": chat["input_ids"], "labels": chat["labels"]}
            stream.write(json.dumps(row) + "\n")


def write_corpus(chats: Sequence[Chat], folder: Path) -> None:
    """Write the rows as a finished corpus, which lokal reads."""
    folder.mkdir(parents=True)
    rows = [
        {
            "id": f"{SOURCE}/{number}",
            "text": "\n".join(turn["content"] for turn in chat["messages"]),
            "lang": chat["lang"],
            "script": "",
            "source": SOURCE,
            "licence": "",
            "url": "",
            "messages": chat["messages"],
        }
        for number, chat in enumerate(chats)
    ]
    pq.write_table(pa.Table.from_pylist(rows), folder / "train-00000.parquet")
    now = datetime.now(UTC)
    write_manifest(
        folder,
        recipe="prepare",
        key="benchmark",
        config={},
        inputs=[],
        started_at=now,
        finished_at=now,
    )


def _sources(language: str, data: Path | None) -> list[Iterator[list[Message]]]:
    samples = resolve_sample("sample:.")
    sources = [
        _tasks(samples / "sib200" / f"{language}_train.jsonl", language, "topic"),
        _tasks(samples / "flores200" / "flores200_dev.jsonl.gz", language, "translation"),
    ]
    for file in sorted(data.rglob("*.jsonl*")) if data else []:
        name = f"{file.parent.name}/{file.name.removesuffix('.gz')}"
        if name == f"chatterbot/{language}.jsonl":
            sources.append(row["messages"] for row in _read(file))
        elif name == f"tatoeba/en-{language}.jsonl":
            sources.append(_tasks(file, language, "translation"))
    return sources


def _tasks(file: Path, language: str, name: str) -> Iterator[list[Message]]:
    task = load_task(language, name)
    for row in _read(file):
        yield ask(task, read_task_row(row, task, {}), id=row["id"], seed=0, labels=Labels.native)


def _read(file: Path) -> Iterator[dict]:  # the columns differ by source
    data = file.read_bytes()
    for line in (gzip.decompress(data) if file.suffix == ".gz" else data).splitlines():
        yield json.loads(line)


def _encoded(
    tokenizer: PreTrainedTokenizerBase,
    language: str,
    sources: Sequence[Iterator[list[Message]]],
    *,
    max_tokens: int,
) -> Iterator[Chat]:
    encoder = ConversationEncoder(tokenizer)
    for messages in _in_turn(sources, limit=None):
        row = encoder.encode([messages])[0]
        # What follows the last trained token teaches nothing: no trainer gets it.
        end = len(row.trained) - row.trained[::-1].index(True)
        if end <= max_tokens:
            ids, trained = row.ids[:end], row.trained[:end]
            labels = [k if on else UNTRAINED for k, on in zip(ids, trained, strict=True)]
            yield Chat(lang=language, messages=messages, input_ids=ids, labels=labels)


def _in_turn(sources: Sequence[Iterator[_Item]], *, limit: int | None) -> Iterator[_Item]:
    """Yield one item of each source after another, until all are empty or the limit is reached."""
    waiting, count = list(sources), 0
    while waiting:
        for source in list(waiting):
            if limit is not None and count == limit:
                return
            item = next(source, None)
            if item is None:
                waiting.remove(source)
            else:
                count += 1
                yield item
