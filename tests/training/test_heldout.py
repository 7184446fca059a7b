"""Held-out bits per byte: the plain model's own, whatever the batches and processes."""

import math
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from lokal.data.heldout import encode_heldout, read_heldout
from lokal.training.heldout import Heldout
from lokal.training.settings import MethodConfig, MethodKind, Stack, TrainingConfig
from lokal.training.stack import TrainableModel, load_model
from lokal.training.strategy import SingleStrategy
from transformers import AutoTokenizer, LlamaForCausalLM

TEXTS = {
    "id": "Filamen bohlam akhirnya terbakar.",
    "hi": "ज़िला अस्पताल में क्‍षमा करें।",
    "en": "The lamp burnt out.",
}


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    rows: list[dict[str, object]] = [
        {"id": f"{code}/{number}", "text": text * (number + 1), "lang": code, "source": "web"}
        for code, text in TEXTS.items()
        for number in range(5)
    ]
    reply = [{"role": "user", "content": "Apa?"}, {"role": "assistant", "content": "Lampu."}]
    rows = [row | {"messages": None} for row in rows]
    rows.append({"id": "c", "text": "", "lang": "id", "source": "chat", "messages": reply})
    schema = pa.Table.from_pylist(rows[-1:]).schema
    pq.write_table(pa.Table.from_pylist(rows, schema), tmp_path / "heldout-00000-0.parquet")
    return tmp_path


def load(folder: Path) -> TrainableModel:
    method = MethodConfig(kind=MethodKind.full)
    return load_model(Stack.hf, folder, method, dtype=torch.float32, seed=0)


def test_equals_the_plain_models_bits_for_the_bytes_of_the_text(
    corpus: Path, tiny_llama_folder: Path
):
    tokenizer = AutoTokenizer.from_pretrained(tiny_llama_folder)
    rows = [row for row in read_heldout([corpus], rows_a_language=9) if row["lang"] == "hi"]
    heldout = Heldout(encode_heldout(rows, tokenizer, max_tokens=512), micro_rows=2, pad_id=2)
    model = load(tiny_llama_folder)
    found = heldout.measure(SingleStrategy(model, TrainingConfig()))
    plain = LlamaForCausalLM.from_pretrained(tiny_llama_folder, dtype=torch.float32)
    start = tokenizer.convert_tokens_to_ids("<|endoftext|>")
    nats = 0.0
    for row in rows:
        ids = torch.tensor([[start, *tokenizer(row["text"], add_special_tokens=False).input_ids]])
        with torch.no_grad():
            nats += float(plain(ids, labels=ids).loss) * (ids.shape[1] - 1)
    num_bytes = sum(len(row["text"].encode()) for row in rows)
    assert found.bits_per_byte["hi"] == pytest.approx(nats / math.log(2) / num_bytes, rel=1e-5)


def test_pieces_predict_each_token_of_a_long_text_exactly_once(
    corpus: Path, tiny_llama_folder: Path
):
    tokenizer = AutoTokenizer.from_pretrained(tiny_llama_folder)
    for row in encode_heldout(read_heldout([corpus], rows_a_language=9), tokenizer, max_tokens=16):
        trained = [
            token
            for piece in row.pieces
            for token, on in zip(piece.ids, piece.trained, strict=True)
            if on
        ]
        text = str(tokenizer.decode(trained, skip_special_tokens=True))
        assert len(text.encode()) == row.num_bytes


class _Part(SingleStrategy):
    """One of two processes, whose sums are taken by the test."""

    def __init__(self, model: TrainableModel, rank: int) -> None:
        super().__init__(model, TrainingConfig())
        self.rank, self.num_ranks = rank, 2
        self.summed: list[float] = []

    def sum(self, values: list[float]) -> list[float]:
        self.summed = values
        return values


def test_two_processes_together_measure_what_one_does(corpus: Path, tiny_llama_folder: Path):
    tokenizer = AutoTokenizer.from_pretrained(tiny_llama_folder)
    rows = encode_heldout(read_heldout([corpus], rows_a_language=9), tokenizer, max_tokens=64)
    model = load(tiny_llama_folder)
    sums: list[list[float]] = []
    for micro_rows in (1, 3):
        heldout = Heldout(rows, micro_rows=micro_rows, pad_id=2)
        one = _Part(model, 0)
        one.num_ranks = 1
        parts = [one, _Part(model, 0), _Part(model, 1)]
        for part in parts:
            heldout.measure(part)
        sums.append(one.summed)
        both = [sum(pair) for pair in zip(parts[1].summed, parts[2].summed, strict=True)]
        assert both == pytest.approx(one.summed, rel=1e-5)
    assert sums[0] == pytest.approx(sums[1], rel=1e-5)


def test_chooses_the_same_rows_whatever_the_files_and_caps_each_language(
    corpus: Path, tmp_path_factory: pytest.TempPathFactory
):
    chosen = read_heldout([corpus], rows_a_language=2)
    assert [row["lang"] for row in chosen] == ["en", "en", "hi", "hi", "id", "id"]
    table = pq.read_table(corpus / "heldout-00000-0.parquet")
    other = tmp_path_factory.mktemp("other")
    for number, start in enumerate((9, 0)):
        part = table.slice(start, 9)
        pq.write_table(part, other / f"heldout-00000-{number}.parquet")
    assert read_heldout([other], rows_a_language=2) == chosen
    assert read_heldout([corpus], rows_a_language=0) == []
