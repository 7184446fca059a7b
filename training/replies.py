"""What a model says to a few prompts: its logits and its greedy replies, to compare two models."""

# T tokens, V vocabulary

from collections.abc import Sequence
from typing import NamedTuple

import torch
from peft import PeftModel
from torch import Tensor
from transformers import LlamaForCausalLM, PreTrainedTokenizerBase

from ..data.chat import encode_prompt, encode_texts
from ..data.message import Message
from ..data.suite import load_suite, read_items

_LANGUAGES = ("id", "hi", "tl", "en")
"""Prompts are shipped sentences of these, in turn: three scripts' worth of tokens."""


class Replies(NamedTuple):
    """Logits of each prompt and the reply to it."""

    logits: list[Tensor]
    """A tensor ``logits_TV`` for each prompt, in fp32."""
    texts: list[str]


class Difference(NamedTuple):
    """How far two models' replies to the same prompts lie apart."""

    max_logit: float
    max_share: float
    """The same as a part of the largest logit."""
    num_equal_texts: int
    num_prompts: int


def make_prompts(tokenizer: PreTrainedTokenizerBase, num_prompts: int) -> list[list[int]]:
    """Return token ids of shipped sentences: as a user's turn, or plain without a chat template."""
    suite = load_suite("sib200")
    by_language = [read_items(suite, split="dev", language=code) for code in _LANGUAGES]
    texts = [item.text for items in zip(*by_language, strict=True) for item in items]
    chosen = [texts[number % len(texts)] for number in range(num_prompts)]
    if not tokenizer.chat_template:
        return encode_texts(tokenizer, chosen)
    return [encode_prompt(tokenizer, [Message(role="user", content=text)]) for text in chosen]


@torch.inference_mode()
def ask(
    model: LlamaForCausalLM | PeftModel,
    tokenizer: PreTrainedTokenizerBase,
    prompts: Sequence[Sequence[int]],
    *,
    max_new_tokens: int,
) -> Replies:
    """Return what the model says, one prompt at a time, on the device where it is."""
    replies = Replies([], [])
    for prompt in prompts:
        ids_1T = torch.tensor([list(prompt)], device=model.device)
        replies.logits.append(model(input_ids=ids_1T).logits[0].float().cpu())
        output = model.generate(  # pyright: ignore[reportAttributeAccessIssue]
            input_ids=ids_1T,
            attention_mask=torch.ones_like(ids_1T),
            max_new_tokens=max_new_tokens,
            do_sample=False,
            pad_token_id=tokenizer.eos_token_id,
        )
        assert isinstance(output, Tensor)
        replies.texts.append(str(tokenizer.decode(output[0, len(prompt) :])))
    return replies


def compare(ours: Replies, theirs: Replies) -> Difference:
    """Return the largest difference of any logit, and how many replies are the same."""
    pairs = zip(ours.logits, theirs.logits, strict=True)
    max_logit = float(torch.stack([(one - other).abs().max() for one, other in pairs]).max())
    largest = float(torch.stack([one.abs().max() for one in ours.logits]).max())
    return Difference(
        max_logit=max_logit,
        max_share=max_logit / largest,
        num_equal_texts=sum(a == b for a, b in zip(ours.texts, theirs.texts, strict=True)),
        num_prompts=len(ours.texts),
    )
