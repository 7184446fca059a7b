"""The loss equals Transformers' own, however rows are laid out."""

from pathlib import Path

import pytest
import torch
from lokal.data.batches import collate
from lokal.data.chat import EncodedConversation
from lokal.data.tokens import TokenRows, write_tokens
from lokal.training.hf_stack import load_hf_model
from lokal.training.loss import cross_entropies
from lokal.training.settings import MethodConfig, MethodKind
from transformers import AutoTokenizer, LlamaForCausalLM

FULL = MethodConfig(kind=MethodKind.full)


@pytest.fixture(scope="module")
def rows(
    tiny_corpus: Path, tiny_llama_folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> TokenRows:
    folder = tmp_path_factory.mktemp("tokens")
    tokenizer = AutoTokenizer.from_pretrained(tiny_llama_folder)
    write_tokens(
        folder,
        tiny_corpus,
        tokenizer,
        sources={"task": 1, "text": 1},
        max_tokens=256,
        plain_text=True,
    )
    return TokenRows.open(folder)


def transformers_loss(folder: Path, rows: list[EncodedConversation]) -> float:
    """Return the mean over all trained tokens, row by row through Transformers' own loss."""
    model = LlamaForCausalLM.from_pretrained(folder, dtype=torch.float32)
    total = 0.0
    for ids, trained, _ in rows:
        labels = [token if on else -100 for token, on in zip(ids, trained, strict=True)]
        loss = model(torch.tensor([ids]), labels=torch.tensor([labels])).loss
        total += loss.item() * sum(trained)
    return total / sum(sum(row.trained) for row in rows)


@pytest.mark.parametrize("shared", [False, True], ids=["whole rows", "shared prefix"])
@pytest.mark.parametrize("packed", [False, True], ids=["buckets", "packed"])
def test_equals_transformers_own_loss_to_1e_5(
    rows: TokenRows, tiny_llama_folder: Path, shared: bool, packed: bool
):
    chosen = [rows.row(index) for index in range(12)]
    packs = [chosen[:5], chosen[5:12]] if packed else [[row] for row in chosen]
    prefix = chosen[0].ids[:9] if shared else []
    assert all(row.ids[: len(prefix)] == prefix for row in chosen)
    module = load_hf_model(tiny_llama_folder, FULL, dtype=torch.float32, seed=0).module
    batch = collate(packs, prefix=prefix, pad_id=2)
    ours = module(batch).sum().item() / len(batch.targets_N)
    assert ours == pytest.approx(transformers_loss(tiny_llama_folder, chosen), abs=1e-5)


def test_plain_text_trains_every_token_but_the_first(rows: TokenRows, tiny_llama_folder: Path):
    texts = [rows.row(index) for index in range(12, len(rows))]
    assert all(row.trained == [False] + [True] * (len(row.ids) - 1) for row in texts)
    module = load_hf_model(tiny_llama_folder, FULL, dtype=torch.float32, seed=0).module
    batch = collate([[row] for row in texts], prefix=[], pad_id=2)
    ours = module(batch).sum().item() / len(batch.targets_N)
    assert ours == pytest.approx(transformers_loss(tiny_llama_folder, texts), abs=1e-5)


def test_the_prefix_that_all_conversations_share_stops_before_what_predicts_a_trained_token(
    tiny_corpus: Path, tiny_llama_folder: Path, tmp_path: Path
):
    tokenizer = AutoTokenizer.from_pretrained(tiny_llama_folder)
    write_tokens(tmp_path, tiny_corpus, tokenizer, sources={"task": 1}, max_tokens=256)
    rows = TokenRows.open(tmp_path)
    prefix = rows.shared_prefix()
    assert len(prefix) > 10
    for index in range(len(rows)):
        ids, trained, _ = rows.row(index)
        assert ids[: len(prefix)] == prefix
        assert trained.index(True) > len(prefix)


def test_chunks_of_the_head_change_neither_loss_nor_gradient(monkeypatch: pytest.MonkeyPatch):
    torch.manual_seed(0)
    head = torch.nn.Linear(8, 50, bias=False)
    hidden_ND = torch.randn(30, 8, requires_grad=True)
    targets_N = torch.randint(0, 50, (30,))
    whole = cross_entropies(hidden_ND, head, targets_N).sum()
    (gradient,) = torch.autograd.grad(whole, hidden_ND)
    monkeypatch.setattr("lokal.training.loss._CHUNK_POSITIONS", 7)
    cut = cross_entropies(hidden_ND, head, targets_N).sum()
    (cut_gradient,) = torch.autograd.grad(cut, hidden_ND)
    assert cut.item() == pytest.approx(whole.item(), abs=1e-4)
    torch.testing.assert_close(cut_gradient, gradient, atol=1e-6, rtol=0)
