"""One template path: training rows begin with the very prompt that evaluation generates from."""

import pytest
from lokal.data.chat import encode_conversation, encode_prompt
from lokal.data.errors import UserError
from lokal.data.message import Message
from transformers import AutoTokenizer, PreTrainedTokenizerBase

TEXTS = {
    "id": "Turki dikelilingi oleh laut di tiga sisi.",
    "hi": "ज़िला अस्पताल: क्‍षमा करें, दर्शनार्‍थी कल आएँगे।",
    "tl": "Ang ng̃alan niya ay Crisóstomo — grabe talaga!",
}
TEMPLATE_THAT_REWRITES = (
    "{% for m in messages %}{{ m['role'] }}: {% if loop.last %}{{ m['content'] }}{% else %}-"
    "{% endif %}\n{% endfor %}{% if add_generation_prompt %}assistant: {% endif %}"
)
TEMPLATE_WITH_TEXT_AFTER_THE_TURN = (
    "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{{ m['content'] }}<|im_end|>\n"
    "{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


@pytest.fixture(scope="module")
def tokenizer(tiny_llama_folder) -> PreTrainedTokenizerBase:
    return AutoTokenizer.from_pretrained(tiny_llama_folder)


def conversation(text: str, *replies: str) -> list[Message]:
    messages = [Message(role="system", content="topic: sports, health")]
    for reply in replies:
        messages += [Message(role="user", content=text), Message(role="assistant", content=reply)]
    return messages


def trained_text(tokenizer: PreTrainedTokenizerBase, messages: list[Message]) -> str:
    encoded = encode_conversation(tokenizer, messages)
    kept = [i for i, is_trained in zip(encoded.ids, encoded.trained, strict=True) if is_trained]
    return str(tokenizer.decode(kept))


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_only_the_reply_and_its_end_of_turn_are_trained(
    tokenizer: PreTrainedTokenizerBase, text: str
) -> None:
    assert trained_text(tokenizer, conversation(text, "health")) == "health<|im_end|>"


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_every_reply_of_a_long_conversation_is_trained(
    tokenizer: PreTrainedTokenizerBase, text: str
) -> None:
    messages = conversation(text, "health", text)
    assert trained_text(tokenizer, messages) == f"health<|im_end|>{text}<|im_end|>"


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_a_row_begins_with_exactly_the_prompt_of_evaluation(
    tokenizer: PreTrainedTokenizerBase, text: str
) -> None:
    messages = conversation(text, "health")
    prompt = encode_prompt(tokenizer, messages[:-1])
    encoded = encode_conversation(tokenizer, messages)
    assert encoded.ids[: len(prompt)] == prompt
    assert encoded.trained.index(True) == len(prompt)


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_the_pieces_decode_to_what_the_template_renders(
    tokenizer: PreTrainedTokenizerBase, text: str
) -> None:
    messages = conversation(text, "health")
    rendered = tokenizer.apply_chat_template(
        [{"role": turn["role"], "content": turn["content"]} for turn in messages], tokenize=False
    )
    assert tokenizer.decode(encode_conversation(tokenizer, messages).ids) == rendered


def test_template_text_behind_the_end_of_turn_is_not_trained(
    tiny_llama_folder,
) -> None:
    tokenizer = AutoTokenizer.from_pretrained(tiny_llama_folder)
    tokenizer.chat_template = TEMPLATE_WITH_TEXT_AFTER_THE_TURN
    encoded = encode_conversation(tokenizer, conversation(TEXTS["id"], "health"))
    newline = tokenizer("\n", add_special_tokens=False)["input_ids"]
    assert encoded.ids[-1:] == newline
    assert encoded.trained[-2:] == [True, False]


def test_a_tokenizer_without_template_is_refused(tiny_llama_folder) -> None:
    tokenizer = AutoTokenizer.from_pretrained(tiny_llama_folder)
    tokenizer.chat_template = None
    with pytest.raises(UserError, match="has no chat template: use an instruct checkpoint"):
        encode_prompt(tokenizer, conversation("x"))


def test_a_template_that_rewrites_earlier_turns_is_refused(tiny_llama_folder) -> None:
    tokenizer = AutoTokenizer.from_pretrained(tiny_llama_folder)
    tokenizer.chat_template = TEMPLATE_THAT_REWRITES
    with pytest.raises(UserError, match="rewrites earlier turns"):
        encode_conversation(tokenizer, conversation(TEXTS["tl"], "health", "sports"))
