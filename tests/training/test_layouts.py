"""However rows are laid out, each document has the same losses and gives the same gradient."""

from pathlib import Path

import pytest
import torch
from lokal.data.batches import Batch, collate
from lokal.data.chat import EncodedConversation
from lokal.data.corpus_rows import CorpusRow
from lokal.data.message import Message
from lokal.data.row_encoder import RowEncoder
from lokal.data.stage_kind import StageKind
from lokal.training.settings import MethodConfig, MethodKind, Stack
from lokal.training.stack import TrainableModel, load_model
from transformers import AutoTokenizer

FULL = MethodConfig(kind=MethodKind.full)
TURNS = [
    ("user", "ज़िला अस्पताल?"), ("assistant", "ज़रूर, क्‍षमा करें।"), ("user", "Kailan po?"),
    ("assistant", "Bukas, grabe!"),
]  # fmt: skip


@pytest.fixture(scope="module")
def documents(tiny_llama_folder: Path) -> list[EncodedConversation]:
    """Return conversations of two to four turns, and running texts."""
    tokenizer = AutoTokenizer.from_pretrained(tiny_llama_folder)
    chats = [[Message(role=r, content=f"{c} {n}") for r, c in TURNS[: 2 + n % 2 * 2]]
             for n in range(4)]  # fmt: skip
    rows = [row("", chat) for chat in chats] + [row("Ang ng̃alan niya ay Crisóstomo.")] * 2
    encoder = RowEncoder(tokenizer, stage=StageKind.sft, plain_text=True, max_tokens=200)
    return [part for parts in encoder.encode(rows) for part in parts]


def row(text: str, messages: list[Message] | None = None) -> CorpusRow:
    return CorpusRow(
        id="1", text=text, lang="hi", source="s", messages=messages, rejected=None
    )  # fmt: skip


def batch_of(packs: list[list[EncodedConversation]]) -> Batch:
    return collate(packs, prefix=[], pad_id=2)


def gradients(model: TrainableModel, batches: list[Batch]) -> dict[str, torch.Tensor]:
    model.module.zero_grad()
    for batch in batches:
        model.module(batch).sum().backward()
    return {
        name: parameter.grad.clone()
        for name, parameter in model.trained().items()
        if parameter.grad is not None
    }


@pytest.mark.parametrize("stack", list(Stack), ids=lambda stack: stack.name)
def test_packed_documents_have_the_losses_and_gradients_of_each_alone(
    tiny_llama_folder: Path, documents: list[EncodedConversation], stack: Stack
):
    model = load_model(stack, tiny_llama_folder, FULL, dtype=torch.float32, seed=0)
    alone = [batch_of([[document]]) for document in documents]
    packed = batch_of([documents[:4], documents[4:]])
    wanted = torch.cat([model.module(batch) for batch in alone])
    torch.testing.assert_close(model.module(packed), wanted, atol=1e-5, rtol=0)
    one_by_one, at_once = gradients(model, alone), gradients(model, [packed])
    assert one_by_one.keys() == at_once.keys()
    for name, gradient in one_by_one.items():
        torch.testing.assert_close(at_once[name], gradient, atol=1e-4, rtol=1e-4, msg=name)


@pytest.mark.parametrize("stack", list(Stack), ids=lambda stack: stack.name)
def test_another_neighbour_changes_no_loss(
    tiny_llama_folder: Path, documents: list[EncodedConversation], stack: Stack
):
    module = load_model(stack, tiny_llama_folder, FULL, dtype=torch.float32, seed=0).module
    last = documents[3]
    with torch.no_grad():
        num = sum(last.trained)
        beside = [module(batch_of([[other, last]]))[-num:] for other in documents[:3]]
    torch.testing.assert_close(beside[1], beside[0], atol=1e-5, rtol=0)
    torch.testing.assert_close(beside[2], beside[0], atol=1e-5, rtol=0)
