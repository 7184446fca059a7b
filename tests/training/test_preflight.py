"""The mask preflight catches the known failures before the first step."""

from dataclasses import replace
from pathlib import Path

import pytest
from lokal.data.batches import collate
from lokal.data.chat import EncodedConversation, encode_conversation
from lokal.data.errors import UserError
from lokal.data.message import Message
from lokal.training.preflight import FirstBatch, check_first_batch, check_positions
from transformers import AutoTokenizer, PreTrainedTokenizerBase

TURNS = [
    ("user", "ज़िला अस्पताल?"), ("assistant", "ज़रूर।"), ("user", "Kailan?"), ("assistant", "Bukas po.")
]  # fmt: skip
MESSAGES = [Message(role=role, content=content) for role, content in TURNS]


@pytest.fixture
def tokenizer(tiny_llama_folder: Path) -> PreTrainedTokenizerBase:
    return AutoTokenizer.from_pretrained(tiny_llama_folder)


@pytest.fixture
def row(tokenizer: PreTrainedTokenizerBase) -> EncodedConversation:
    return encode_conversation(tokenizer, MESSAGES)


def check(rows: list[EncodedConversation], tokenizer: PreTrainedTokenizerBase) -> None:
    pad_id = tokenizer.pad_token_id
    assert isinstance(pad_id, int)
    batch = collate([[row] for row in rows], prefix=[], pad_id=pad_id)
    check_first_batch(FirstBatch(rows, rows, batch), tokenizer, pairs=False)


def test_shapes_counts_and_every_trained_turn_are_shown(
    row: EncodedConversation, tokenizer: PreTrainedTokenizerBase, capsys: pytest.CaptureFixture[str]
):
    short = encode_conversation(tokenizer, MESSAGES[:2])
    check([short, row], tokenizer)
    printed = capsys.readouterr().err
    trained = sum(short.trained) + sum(row.trained)
    assert f"2 documents, {len(short.ids) + len(row.ids)} tokens, {trained} trained" in printed
    assert f"2 rows x {len(row.ids) - 1} tokens behind 0 shared, {trained} trained" in printed
    assert "assistant⏎⟦ज़रूर।<|im_end|>⟧⏎" in printed
    assert "assistant⏎⟦Bukas po.<|im_end|>⟧⏎" in printed


def test_a_row_that_trains_nothing_stops(
    row: EncodedConversation, tokenizer: PreTrainedTokenizerBase
):
    masked = row._replace(trained=[False] * len(row.ids))
    with pytest.raises(UserError, match="trains no token, the data has no assistant turn"):
        check([row, masked], tokenizer)


def test_a_reply_whose_end_of_turn_is_not_trained_stops(
    row: EncodedConversation, tokenizer: PreTrainedTokenizerBase
):
    # In the first of two replies: one trained end-of-turn elsewhere does not hide it.
    first_end = row.trained.index(False, row.trained.index(True)) - 1
    trained = [on and place != first_end for place, on in enumerate(row.trained)]
    with pytest.raises(UserError, match="trains no end-of-turn token: the model would never stop"):
        check([row._replace(trained=trained)], tokenizer)


def test_the_end_of_turn_is_trained_though_it_is_the_padding_token_too(
    row: EncodedConversation, tokenizer: PreTrainedTokenizerBase
):
    assert tokenizer.pad_token_id == tokenizer.eos_token_id
    short = encode_conversation(tokenizer, MESSAGES[:2])
    batch = collate([[row], [short]], prefix=[], pad_id=2)
    assert batch.targets_N.tolist().count(2) == 3  # one for each reply, none for padding
    check([row, short], tokenizer)


def test_a_mask_made_from_the_padding_token_would_stop(
    row: EncodedConversation, tokenizer: PreTrainedTokenizerBase
):
    batch = collate([[row]], prefix=[], pad_id=2)
    kept = batch.targets_N != tokenizer.pad_token_id  # what trainers with pad = eos have done
    wrong = replace(batch, targets_N=batch.targets_N[kept], target_at_N=batch.target_at_N[kept])
    with pytest.raises(UserError, match=r"token 2 differs by 2"):
        check_first_batch(FirstBatch([row], [row], wrong), tokenizer, pairs=False)


def test_a_cut_answer_stops(row: EncodedConversation, tokenizer: PreTrainedTokenizerBase):
    cut = EncodedConversation(row.ids[:-4], row.trained[:-4])
    with pytest.raises(UserError, match="trains no end-of-turn token"):
        check([cut], tokenizer)


def test_a_document_beyond_the_models_positions_is_refused_with_both_lengths():
    check_positions(512, max_positions=512)
    check_positions(513, max_positions=None)
    with pytest.raises(UserError, match="has 513 tokens, the model has positions for 512: set"):
        check_positions(513, max_positions=512)
