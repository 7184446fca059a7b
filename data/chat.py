"""The one chat template path: messages to token ids, with the assistant's tokens marked."""

from collections.abc import Sequence
from typing import NamedTuple

from transformers import PreTrainedTokenizerBase

from .errors import UserError
from .message import Message


class EncodedConversation(NamedTuple):
    """Token ids of a conversation and which of them are trained."""

    ids: list[int]
    trained: list[bool]
    """True for the assistant's content and its end-of-turn token."""


def render(
    tokenizer: PreTrainedTokenizerBase, messages: Sequence[Message], *, reply_next: bool
) -> str:
    """Return the messages in the tokenizer's own chat template.

    Args:
        reply_next: end with the header that opens the assistant's reply.

    Raises:
        UserError: the tokenizer has no chat template.
    """
    if not tokenizer.chat_template:
        raise UserError(
            f"{tokenizer.name_or_path} has no chat template: use an instruct checkpoint, "
            "or add chat_template.jinja to its folder"
        )
    text = tokenizer.apply_chat_template(
        [{"role": turn["role"], "content": turn["content"]} for turn in messages],
        tokenize=False,
        add_generation_prompt=reply_next,
    )
    assert isinstance(text, str)
    return text


def encode_prompt(tokenizer: PreTrainedTokenizerBase, messages: Sequence[Message]) -> list[int]:
    """Return the token ids up to where the assistant's reply starts."""
    return _ids(tokenizer, render(tokenizer, messages, reply_next=True))


def encode_conversation(
    tokenizer: PreTrainedTokenizerBase, messages: Sequence[Message]
) -> EncodedConversation:
    """Return ids and trained positions of a whole conversation.

    Each turn is rendered as the literal extension of the turns before it, and encoded apart, so
    that a trained span never shares a token with its prompt (the reply is generated from exactly
    that prompt).

    Raises:
        UserError: the template rewrites earlier turns, so that spans cannot be told.
    """
    ids: list[int] = []
    trained: list[bool] = []
    done = ""
    for index, message in enumerate(messages):
        is_reply = message["role"] == "assistant"
        if is_reply:
            done = _extend(tokenizer, ids, trained, done, messages[:index], reply_next=True)
        start = len(ids)
        done = _extend(tokenizer, ids, trained, done, messages[: index + 1], reply_next=False)
        if is_reply:
            end = _end_of_turn(tokenizer, ids, start)
            trained[start:end] = [True] * (end - start)
    return EncodedConversation(ids, trained)


def _extend(
    tokenizer: PreTrainedTokenizerBase,
    ids: list[int],
    trained: list[bool],
    done: str,
    messages: Sequence[Message],
    *,
    reply_next: bool,
) -> str:
    text = render(tokenizer, messages, reply_next=reply_next)
    if not text.startswith(done):
        raise UserError(
            f"the chat template of {tokenizer.name_or_path} rewrites earlier turns: "
            "assistant spans cannot be told, use single-turn data or another template"
        )
    new = _ids(tokenizer, text[len(done) :])
    ids += new
    trained += [False] * len(new)
    return text


def _end_of_turn(tokenizer: PreTrainedTokenizerBase, ids: list[int], start: int) -> int:
    """Return one past the reply's end-of-turn token; template text behind it is not trained."""
    specials = set(tokenizer.all_special_ids)
    for position in range(len(ids) - 1, start - 1, -1):
        if ids[position] in specials:
            return position + 1
    return len(ids)


def _ids(tokenizer: PreTrainedTokenizerBase, text: str) -> list[int]:
    return tokenizer(text, add_special_tokens=False)["input_ids"]
