"""What TRL and lokal are both asked: pairs, a tiny Llama with known weights, forms of the loss."""

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from torch import nn
from transformers import PreTrainedTokenizerFast

# Nothing stands behind the end of a turn: TRL trains what a template puts there, lokal does not.
CHAT_TEMPLATE = (
    "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{{ m['content'] }}<|im_end|>{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
TINY = {
    "vocab_size": 260, "hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 2,
    "num_attention_heads": 4, "num_key_value_heads": 2, "max_position_embeddings": 512,
    "tie_word_embeddings": True, "bos_token_id": 1, "eos_token_id": 2, "pad_token_id": 2,
}  # fmt: skip
NUM_STEPS = 4
LOSSES = {
    "sigmoid": {"trl": {"beta": 0.1}, "lokal": {"beta": 0.1}},
    "large beta": {"trl": {"beta": 0.5}, "lokal": {"beta": 0.5}},
    "with nll": {
        "trl": {"beta": 0.1, "loss_type": ["sigmoid", "sft"], "loss_weights": [1.0, 0.2]},
        "lokal": {"beta": 0.1, "nll_weight": 0.2},
    },
    "length normalised": {
        "trl": {"beta": 2.0, "loss_type": ["sigmoid_norm"]},
        "lokal": {"beta": 2.0, "length_normalised": True},
    },
}


def _turn(role: str, content: str) -> dict[str, str]:
    return {"role": role, "content": content}


def _pair(prompt: list[dict[str, str]], chosen: str, rejected: str):
    return prompt, [_turn("assistant", chosen)], [_turn("assistant", rejected)]


PAIRS = [
    _pair([_turn("user", "Kailan bukas ang ospital?")], "Bukas po, alas nuwebe.", "Hindi ko alam."),
    _pair([_turn("user", "अस्पताल कब खुलेगा?")], "ज़रूर", "क्‍षमा"),
    # The replies begin alike: what they share is trained too.
    _pair([_turn("user", "Turki di mana?")], "Di tiga sisi laut.", "Di tiga gunung."),
    # Several turns: the first reply is prompt, and not trained.
    _pair(
        [_turn("system", "Jawab singkat."), _turn("user", "Halo"), _turn("assistant", "Ya?"),
         _turn("user", "Siapa pencetak gol?")],
        "Pemain itu.", "89",
    ),
    _pair(
        [_turn("user", "नमस्ते"), _turn("assistant", "जी?"), _turn("user", "गोल?"),
         _turn("assistant", "हाँ।"), _turn("user", "कब?")],
        "कल।", "पता नहीं",
    ),
]  # fmt: skip


def make_tokenizer() -> PreTrainedTokenizerFast:
    """Return a tokenizer with a token for each byte."""
    specials = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {token: number for number, token in enumerate([*specials, *letters])}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=[]))
    tokenizer.add_special_tokens(specials)
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token="<|im_start|>",
        eos_token="<|im_end|>",
        pad_token="<|im_end|>",
        unk_token="<|endoftext|>",
        chat_template=CHAT_TEMPLATE,
    )


@torch.no_grad()
def fill_weights(model: nn.Module, *, seed: int) -> None:
    """Give every weight a value that depends on the seed alone, not on a library's version."""
    generator = torch.Generator().manual_seed(seed)
    for name, parameter in sorted(model.named_parameters()):
        if "norm" not in name:
            parameter.copy_(torch.randn(parameter.shape, generator=generator) * 0.05)
