"""What each stage makes of texts, conversations and pairs."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from lokal.data.chat import encode_conversation, encode_prompt
from lokal.data.corpus_rows import CorpusRow
from lokal.data.errors import UserError
from lokal.data.message import Message
from lokal.data.row_encoder import RowEncoder
from lokal.data.stage_kind import StageKind
from lokal.data.tokens import write_tokens
from tokenizers.processors import TemplateProcessing
from transformers import AutoTokenizer, PreTrainedTokenizerFast

ASK, BETTER, WORSE = "क्‍षमा करें?", "ज़रूर, कल आएँ।", "ज़रूर नहीं।"


def turn(role: str, content: str) -> Message:
    return Message(role=role, content=content)


BEGIN = [turn("user", "Halo"), turn("assistant", "Ya?"), turn("user", ASK)]
CHOSEN, REJECTED = [*BEGIN, turn("assistant", BETTER)], [*BEGIN, turn("assistant", WORSE)]


def row(
    text: str = "teks", messages: list[Message] | None = None, rejected: list[Message] | None = None
) -> CorpusRow:
    return CorpusRow(
        id="1", text=text, lang="id", source="s", messages=messages, rejected=rejected
    )  # fmt: skip


@pytest.fixture
def tokenizer(tiny_llama_folder: Path) -> PreTrainedTokenizerFast:
    return AutoTokenizer.from_pretrained(tiny_llama_folder)


def encoder(tokenizer: PreTrainedTokenizerFast, stage: StageKind, max_tokens: int = 200):
    return RowEncoder(tokenizer, stage=stage, plain_text=False, max_tokens=max_tokens)


def test_a_pair_gives_two_rows_whose_replies_alone_are_trained(tokenizer: PreTrainedTokenizerFast):
    (pair,) = encoder(tokenizer, StageKind.dpo).encode([row("x", CHOSEN, REJECTED)])
    prompt = encode_prompt(tokenizer, BEGIN)
    for encoded, reply in zip(pair, (BETTER, WORSE), strict=True):
        assert encoded.ids[: len(prompt)] == prompt
        # Though both replies begin with the same word, all of each is trained.
        assert encoded.trained == [False] * len(prompt) + [True] * (len(encoded.ids) - len(prompt))
        assert tokenizer.decode(encoded.ids[len(prompt) :]) == f"{reply}<|im_end|>"


def test_sft_trains_every_reply_of_the_better_side(tokenizer: PreTrainedTokenizerFast):
    ((encoded,),) = encoder(tokenizer, StageKind.sft).encode([row("x", CHOSEN, REJECTED)])
    alone = encode_conversation(tokenizer, CHOSEN)
    assert encoded.trained == alone.trained[: len(encoded.ids)]
    kept = [i for i, on in zip(encoded.ids, encoded.trained, strict=True) if on]
    assert tokenizer.decode(kept) == f"Ya?<|im_end|>{BETTER}<|im_end|>"


def test_a_pair_with_one_side_too_long_is_left_out_whole(tokenizer: PreTrainedTokenizerFast):
    longer = [*BEGIN, turn("assistant", BETTER * 20)]
    (none,) = encoder(tokenizer, StageKind.dpo, 100).encode([row("x", CHOSEN, longer)])
    assert none == []


def test_a_text_ends_with_the_separator_and_begins_as_the_tokenizer_begins_documents(
    tokenizer: PreTrainedTokenizerFast,
):
    ((plain,),) = encoder(tokenizer, StageKind.cpt).encode([row("Ang ng̃alan niya")])
    assert tokenizer.decode(plain.ids) == "Ang ng̃alan niya<|endoftext|>"
    assert plain.trained == [False] + [True] * (len(plain.ids) - 1)
    # Llama 3's tokenizer puts its BOS before a document; a piece from the middle has none.
    tokenizer.backend_tokenizer.post_processor = TemplateProcessing(
        single="<|im_start|> $A", special_tokens=[("<|im_start|>", 1)]
    )
    (pieces,) = encoder(tokenizer, StageKind.cpt, 8).encode([row("Ang ng̃alan niya ay Crisóstomo")])
    assert [piece.ids[0] == 1 for piece in pieces] == [True] + [False] * (len(pieces) - 1)


@pytest.mark.parametrize(
    ("stage", "given", "message"),
    [
        (StageKind.cpt, row("x", CHOSEN), "holds conversations, stage=cpt trains running text"),
        (StageKind.sft, row(), "holds running text, of which stage=sft would train every token"),
        (StageKind.dpo, row("x", CHOSEN), "holds no preference pairs, which stage=dpo needs"),
    ],
)
def test_rows_of_another_kind_are_refused_with_their_source(
    tokenizer: PreTrainedTokenizerFast, stage: StageKind, given: CorpusRow, message: str
):
    with pytest.raises(UserError, match=f"source 's' {message}"):
        list(encoder(tokenizer, stage).encode([given]))


def test_more_rows_too_long_than_the_share_allows_stop_with_the_numbers(
    tmp_path: Path, tokenizer: PreTrainedTokenizerFast
):
    long = [turn("user", ASK), turn("assistant", BETTER * 30)]
    rows = [dict(row("x", chat)) for chat in (CHOSEN, long, long, CHOSEN)]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "train-00000.parquet")

    def write(share: float) -> int:
        counts = write_tokens(
            tmp_path, tmp_path, tokenizer, sources={"s": 1}, max_tokens=150,
            max_too_long_share=share,
        )  # fmt: skip
        return counts.too_long

    assert write(0.5) == 2
    with pytest.raises(UserError, match=r"2 of 4 rows are longer than tokens.max_tokens=150"):
        write(0.4)
