"""What a stage makes of a corpus row: token ids, and which of them are trained."""

from collections.abc import Iterator, Sequence
from typing import cast

from transformers import PreTrainedTokenizerBase

from .chat import ConversationEncoder, EncodedConversation, encode_texts
from .corpus_rows import CorpusRow
from .errors import UserError
from .preferences import num_shared_turns
from .stage_kind import StageKind

_SEPARATORS = ("<|endoftext|>", "<|end_of_text|>")
"""What ends a document where the tokenizer has it (SmolLM2, Llama 3); else its EOS token, which in
an instruct model is the end of a turn."""


class RowEncoder:
    """Encodes corpus rows, a batch at a time, for one stage.

    Args:
        tokenizer: with a chat template, unless only running text comes.
        stage: says which rows are taken and what is trained.
        plain_text: whether ``sft`` takes running text too, and trains every token of it.
        max_tokens: longest token row; text is cut into pieces, conversations are left out.
    """

    def __init__(
        self,
        tokenizer: PreTrainedTokenizerBase,
        *,
        stage: StageKind,
        plain_text: bool,
        max_tokens: int,
    ) -> None:
        self._tokenizer = tokenizer
        self._stage = stage
        self._plain_text = plain_text
        self._conversations = ConversationEncoder(tokenizer)
        self._max_tokens = max_tokens
        vocabulary = tokenizer.get_vocab()
        eos = cast("int", tokenizer.eos_token_id)
        self._end = next((vocabulary[name] for name in _SEPARATORS if name in vocabulary), eos)
        self._begin = _document_begin(tokenizer)

    @property
    def document_start(self) -> int:
        """Return the token that a document follows: its own first one, or the one between two."""
        return self._begin[0] if self._begin else self._end

    def refuse_other(self, row: CorpusRow) -> None:
        """Refuse a row of a kind that the stage does not train.

        Raises:
            UserError: names the source and the stage that takes it.
        """
        is_text, is_pair = row["messages"] is None, row["rejected"] is not None
        source = f"source {row['source']!r}"
        if self._stage is StageKind.cpt and not is_text:
            raise UserError(
                f"{source} holds conversations, stage=cpt trains running text only: leave it out "
                "of sources, or choose stage=sft"
            )
        if self._stage is StageKind.sft and is_text and not self._plain_text:
            raise UserError(
                f"{source} holds running text, of which stage=sft would train every token: leave "
                "it out of sources, set stage.plain_text=true, or choose stage=cpt"
            )
        if self._stage is StageKind.dpo and not is_pair:
            raise UserError(
                f"{source} holds no preference pairs, which stage=dpo needs: name a source that "
                "was prepared with kind=preference, or choose stage=sft or cpt"
            )

    def encode(self, rows: Sequence[CorpusRow]) -> Iterator[list[EncodedConversation]]:
        """Yield the token rows of each row; none for a conversation or a pair that is too long.

        A pair gives two rows: the chosen conversation, then the rejected one.
        """
        for row in rows:
            self.refuse_other(row)
        if self._stage is StageKind.dpo:
            yield from self._pairs(rows)
            return
        chats = [row["messages"] for row in rows if row["messages"] is not None]
        encoded_chats = iter(self._conversations.encode(chats))
        texts = [row["text"] for row in rows if row["messages"] is None]
        texts_ids = iter(encode_texts(self._tokenizer, texts))
        for row in rows:
            if row["messages"] is None:
                yield list(self._pieces(next(texts_ids)))
            else:
                yield self._fitting([next(encoded_chats)])

    def _pairs(self, rows: Sequence[CorpusRow]) -> Iterator[list[EncodedConversation]]:
        sides = [(row["messages"] or [], row["rejected"] or []) for row in rows]
        prompts = [num_shared_turns(*pair) for pair in sides]
        encoded = self._conversations.encode(
            [side for pair in sides for side in pair],
            num_prompt_turns=[number for number in prompts for _ in range(2)],
        )
        for chosen, rejected in zip(encoded[::2], encoded[1::2], strict=True):
            yield self._fitting([chosen, rejected])

    def _fitting(self, rows: list[EncodedConversation]) -> list[EncodedConversation]:
        if any(len(row.ids) > self._max_tokens for row in rows):
            return []
        return [_without_untrained_end(row) for row in rows]

    def _pieces(self, text_ids: list[int]) -> Iterator[EncodedConversation]:
        ids = [*self._begin, *text_ids, self._end]
        # Pieces overlap by one token, so that each but the first is predicted exactly once.
        for start in range(0, len(ids) - 1, self._max_tokens - 1):
            piece = ids[start : start + self._max_tokens]
            yield EncodedConversation(piece, [False] + [True] * (len(piece) - 1))


def _document_begin(tokenizer: PreTrainedTokenizerBase) -> list[int]:
    """Return the token that the tokenizer itself puts before a document, as Llama 3's does."""
    added = tokenizer("").input_ids
    return [token for token in added[:1] if token == tokenizer.bos_token_id]


def _without_untrained_end(row: EncodedConversation) -> EncodedConversation:
    """Drop the template's text behind the last trained token: nothing is learnt there."""
    end = len(row.trained) - row.trained[::-1].index(True) if True in row.trained else 0
    return EncodedConversation(row.ids[:end], row.trained[:end]) if end else row
