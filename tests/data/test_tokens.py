"""Token rows: streamed in batches, the same ids as one conversation at a time."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from lokal.data import corpus_rows
from lokal.data.chat import encode_conversation
from lokal.data.corpus_rows import CorpusRows
from lokal.data.errors import UserError
from lokal.data.message import Message
from lokal.data.stage_kind import StageKind
from lokal.data.tokens import TokenRows, write_tokens
from transformers import AutoTokenizer

TASK, TEXT = {"task": 1.0}, {"text": 1.0}


@pytest.fixture(scope="module")
def tokenizer(tiny_llama_folder: Path):
    return AutoTokenizer.from_pretrained(tiny_llama_folder)


def rows_of(folder: Path) -> list[tuple[list[int], list[bool]]]:
    rows = TokenRows.open(folder)
    return [(row.ids, row.trained) for row in map(rows.row, range(len(rows)))]


def corpus_of(folder: Path, rows: list[dict[str, object]], *, group: int = 100) -> Path:
    folder.mkdir()
    pq.write_table(pa.Table.from_pylist(rows), folder / "train-00000.parquet", row_group_size=group)
    return folder


def row(number: int, source: str) -> dict[str, object]:
    return {"id": str(number), "text": f"teks {number}", "lang": "id", "source": source,
            "messages": None}  # fmt: skip


def test_a_batch_gives_the_ids_of_each_conversation_alone(
    tiny_corpus: Path, tmp_path: Path, tokenizer
):
    write_tokens(tmp_path, tiny_corpus, tokenizer, sources=TASK, max_tokens=256)
    table = pq.read_table(tiny_corpus / "train-00000.parquet").to_pylist()
    chats = [item["messages"] for item in table if item["messages"]]
    for (ids, trained), messages in zip(rows_of(tmp_path), chats, strict=True):
        alone = encode_conversation(tokenizer, messages)
        assert ids == alone.ids[: len(ids)]
        assert trained == alone.trained[: len(ids)]
        assert not any(alone.trained[len(ids) :])


def test_small_batches_give_the_same_rows(
    tiny_corpus: Path, tmp_path: Path, tokenizer, monkeypatch: pytest.MonkeyPatch
):
    for name, size in (("whole", 256), ("small", 2)):
        monkeypatch.setattr(corpus_rows, "_ROWS_PER_BATCH", size)
        (tmp_path / name).mkdir()
        write_tokens(
            tmp_path / name,
            tiny_corpus,
            tokenizer,
            sources=TASK | TEXT,
            max_tokens=128,
            plain_text=True,
        )
    assert rows_of(tmp_path / "small") == rows_of(tmp_path / "whole")
    assert TokenRows.open(tmp_path / "small").table["ids"].num_chunks > 4


def test_a_long_text_is_cut_so_that_each_token_but_the_first_is_predicted_once(
    tiny_corpus: Path, tmp_path: Path, tokenizer
):
    counts = write_tokens(
        tmp_path, tiny_corpus, tokenizer, sources=TEXT, max_tokens=16, stage=StageKind.cpt
    )
    pieces = rows_of(tmp_path)
    assert max(len(ids) for ids, _ in pieces) == 16
    texts = pq.read_table(tiny_corpus / "train-00000.parquet").to_pylist()[-3:]
    encoded = [tokenizer(item["text"], add_special_tokens=False)["input_ids"] for item in texts]
    assert counts.trained_tokens == sum(len(ids) for ids in encoded)


def test_takes_the_first_share_of_each_source_over_row_groups_and_corpora(tmp_path: Path):
    one = corpus_of(
        tmp_path / "one", [row(n, "ab"[n % 2]) for n in range(20)], group=3
    )  # fmt: skip
    two = corpus_of(tmp_path / "two", [row(n, "b") for n in range(100, 104)])
    taken = [item["id"] for batch in CorpusRows([one, two], {"b": 0.5, "a": 1}).batches()
             for item in batch]  # fmt: skip
    evens = [str(n) for n in range(0, 20, 2)]
    assert taken == ["1", "3", "5", "7", "9", "100", "101", *evens]
    assert len(CorpusRows([one, two], {"b": 0.5, "a": 1})) == 17


def test_a_batch_ends_before_too_many_characters(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):  # fmt: skip
    monkeypatch.setattr(corpus_rows, "_CHARS_PER_BATCH", 15)
    corpus = corpus_of(tmp_path / "one", [row(n, "a") for n in range(5)])
    assert [len(batch) for batch in CorpusRows([corpus], {"a": 1}).batches()] == [2, 2, 1]


def test_a_template_that_leaves_a_role_out_is_one_clear_line(tiny_llama_folder: Path):
    deaf = AutoTokenizer.from_pretrained(tiny_llama_folder)
    deaf.chat_template = (
        "{% for m in messages %}{% if m['role'] != 'tool' %}"
        "<|im_start|>{{ m['content'] }}<|im_end|>{% endif %}{% endfor %}"
    )
    turns = [Message(role=role, content=role + "?") for role in ("user", "tool", "assistant")]
    with pytest.raises(UserError, match="leaves out turns with the role 'tool'"):
        encode_conversation(deaf, turns)
    deaf.chat_template = "{{ raise_exception('only user and assistant') }}"
    with pytest.raises(UserError, match=r"refuses the turns user .only user and assistant"):
        encode_conversation(deaf, turns)
