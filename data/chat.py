"""The one chat template path: messages to token ids, with the assistant's tokens marked."""

import json
from collections.abc import Sequence
from typing import NamedTuple

from jinja2 import TemplateError
from transformers import PreTrainedTokenizerBase

from .errors import UserError
from .message import Message


class EncodedConversation(NamedTuple):
    """Token ids of a conversation and which of them are trained."""

    ids: list[int]
    trained: list[bool]
    """True for the assistant's content and its end-of-turn token."""
    group: int = 0
    """Index of the row's language and source, where losses are told apart by them."""


def render(
    tokenizer: PreTrainedTokenizerBase, messages: Sequence[Message], *, reply_next: bool
) -> str:
    """Return the messages in the tokenizer's own chat template.

    Args:
        reply_next: end with the header that opens the assistant's reply.

    Raises:
        UserError: the tokenizer has no chat template, or it refuses these roles.
    """
    if not tokenizer.chat_template:
        raise UserError(
            f"{tokenizer.name_or_path} has no chat template: use an instruct checkpoint, "
            "or add chat_template.jinja to its folder"
        )
    try:
        text = tokenizer.apply_chat_template(
            [{"role": turn["role"], "content": turn["content"]} for turn in messages],
            tokenize=False,
            add_generation_prompt=reply_next,
        )
    except TemplateError as error:
        roles = ", ".join(turn["role"] for turn in messages)
        raise UserError(
            f"the chat template of {tokenizer.name_or_path} refuses the turns {roles} ({error}): "
            "leave such rows out, or use another template"
        ) from error
    assert isinstance(text, str)
    return text


def encode_prompt(tokenizer: PreTrainedTokenizerBase, messages: Sequence[Message]) -> list[int]:
    """Return the token ids up to where the assistant's reply starts."""
    return encode_texts(tokenizer, [render(tokenizer, messages, reply_next=True)])[0]


def encode_texts(tokenizer: PreTrainedTokenizerBase, texts: Sequence[str]) -> list[list[int]]:
    """Return the token ids of each text, with nothing added; equal texts are encoded once."""
    distinct = list(dict.fromkeys(texts))
    if not distinct:
        return []
    encoded = tokenizer(distinct, add_special_tokens=False, return_attention_mask=False)
    ids_of = dict(zip(distinct, encoded["input_ids"], strict=True))
    return [ids_of[text] for text in texts]


def encode_conversation(
    tokenizer: PreTrainedTokenizerBase, messages: Sequence[Message]
) -> EncodedConversation:
    """Return ids and trained positions of one whole conversation; see ConversationEncoder."""
    return ConversationEncoder(tokenizer).encode([messages])[0]


class ConversationEncoder:
    """Encodes conversations many at a time.

    Each turn is rendered as the literal extension of the turns before it, and encoded apart, so
    that a trained span never shares a token with its prompt (the reply is generated from exactly
    that prompt).
    """

    def __init__(self, tokenizer: PreTrainedTokenizerBase) -> None:
        self._tokenizer = tokenizer
        self._specials = set(tokenizer.all_special_ids)
        self._first_turn: tuple[Message | None, str] = (None, "")

    def encode(
        self,
        conversations: Sequence[Sequence[Message]],
        *,
        num_prompt_turns: Sequence[int] | None = None,
    ) -> list[EncodedConversation]:
        """Return ids and trained positions of each conversation.

        Args:
            conversations: lists of turns.
            num_prompt_turns: so many first turns of each are prompt: replies in them are not
                trained. None: every reply is trained.

        Raises:
            UserError: the template rewrites earlier turns, so that spans cannot be told, or leaves
                a turn out.
        """
        prompts = num_prompt_turns or [0] * len(conversations)
        spans = [
            self._spans(messages, num_prompt=num_prompt)
            for messages, num_prompt in zip(conversations, prompts, strict=True)
        ]
        texts = [span.text for several in spans for span in several]
        ids = iter(encode_texts(self._tokenizer, texts))
        return [self._join(several, [next(ids) for _ in several]) for several in spans]

    def _spans(self, messages: Sequence[Message], *, num_prompt: int) -> list["_Span"]:
        spans: list[_Span] = []
        done = ""
        for index, message in enumerate(messages):
            is_reply = message["role"] == "assistant"
            if is_reply:
                header = render(self._tokenizer, messages[:index], reply_next=True)
                spans.append(_Span(self._added(done, header), is_trained=False))
                done = header
            text = self._rendered(messages[: index + 1])
            is_trained = is_reply and index >= num_prompt
            spans.append(_Span(self._added(done, text), is_trained=is_trained))
            done = text
        self._refuse_lost_turns(messages, done)
        return spans

    def _rendered(self, messages: Sequence[Message]) -> str:
        """Render; the first turn, which often is one instruction for all rows, only once."""
        if len(messages) > 1:
            return render(self._tokenizer, messages, reply_next=False)
        if self._first_turn[0] != messages[0]:
            text = render(self._tokenizer, messages, reply_next=False)
            self._first_turn = (messages[0], text)
        return self._first_turn[1]

    def _added(self, before: str, text: str) -> str:
        if not text.startswith(before):
            raise UserError(
                f"the chat template of {self._tokenizer.name_or_path} rewrites earlier turns: "
                "assistant spans cannot be told, use single-turn data or another template"
            )
        return text[len(before) :]

    def _refuse_lost_turns(self, messages: Sequence[Message], text: str) -> None:
        for turn in messages:
            content = turn["content"].strip()
            # Llama 3.1 writes what a tool returned as a JSON string.
            if content not in text and json.dumps(content, ensure_ascii=False)[1:-1] not in text:
                raise UserError(
                    f"the chat template of {self._tokenizer.name_or_path} leaves out turns with "
                    f"the role {turn['role']!r}: leave such rows out, or use another template"
                )

    def _join(self, spans: Sequence["_Span"], ids: Sequence[list[int]]) -> EncodedConversation:
        joined: list[int] = []
        trained: list[bool] = []
        for span, new in zip(spans, ids, strict=True):
            num_trained = self._end_of_turn(new) if span.is_trained else 0
            joined += new
            trained += [True] * num_trained + [False] * (len(new) - num_trained)
        return EncodedConversation(joined, trained)

    def _end_of_turn(self, ids: Sequence[int]) -> int:
        """Return one past the reply's end-of-turn token; template text behind is not trained."""
        for position in range(len(ids) - 1, -1, -1):
            if ids[position] in self._specials:
                return position + 1
        return len(ids)


class _Span(NamedTuple):
    """What one step of a template adds."""

    text: str
    is_trained: bool
