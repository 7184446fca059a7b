"""The tokenizer of a checkpoint in Meta's layout, as Transformers opens it.

Meta's ``tokenizer.model`` (Llama 3 and later) holds byte pairs and ranks in tiktoken's form. The
special tokens stand in no file: their order behind the pairs is part of the model.
"""

import base64
import json
from pathlib import Path

from .checkpoint_folder import ORIGINAL_CONFIG_NAME, is_original
from .errors import UserError
from .manifest import sha256_of_file
from .model_cache import cache_folder, make_once

_RANKS = "tokenizer.model"
_NAMED = (
    "<|begin_of_text|>",
    "<|end_of_text|>",
    "<|reserved_special_token_0|>",
    "<|reserved_special_token_1|>",
    "<|finetune_right_pad_id|>",
    "<|reserved_special_token_2|>",
    "<|start_header_id|>",
    "<|end_header_id|>",
    "<|eom_id|>",
    "<|eot_id|>",
    "<|python_tag|>",
)
"""In the order of their ids (Llama 3.1; in 3.0 three of them were reserved ones)."""
_TEMPLATE = (
    "{% for m in messages %}{% if loop.first %}{{ bos_token }}{% endif %}"
    "<|start_header_id|>{{ m['role'] }}<|end_header_id|>\n\n{{ m['content'] | trim }}<|eot_id|>"
    "{% endfor %}"
    "{% if add_generation_prompt %}<|start_header_id|>assistant<|end_header_id|>\n\n{% endif %}"
)


def tokenizer_folder(checkpoint: Path) -> Path:
    """Return the folder that Transformers opens the checkpoint's tokenizer from.

    That is the checkpoint itself, but for Meta's layout, whose tokenizer is converted once.

    Raises:
        UserError: the tokenizer is not in tiktoken's form.
    """
    if not is_original(checkpoint) or (checkpoint / "tokenizer.json").is_file():
        return checkpoint
    ranks = checkpoint / _RANKS
    folder = cache_folder() / "tokenizers" / sha256_of_file(ranks)[:16]
    return make_once(
        folder,
        lambda target: _convert(checkpoint, target),
        recipe="original_tokenizer",
        config={"num_tokens": _num_tokens(checkpoint)},
        inputs=[ranks],
        licences=[],
        says=f"reads {ranks}, writes {folder} (once)",
    )


def _convert(checkpoint: Path, target: Path) -> None:
    from tokenizers.processors import TemplateProcessing
    from transformers import PreTrainedTokenizerFast
    from transformers.convert_slow_tokenizer import TikTokenConverter

    specials = _specials(checkpoint)
    ranks = str(checkpoint / _RANKS)
    converted = TikTokenConverter(ranks, extra_special_tokens=specials).converted()
    first = specials[0]
    converted.post_processor = TemplateProcessing(
        single=f"{first} $A",
        pair=f"{first} $A {first} $B",
        special_tokens=[(first, converted.token_to_id(first))],
    )
    PreTrainedTokenizerFast(
        tokenizer_object=converted,
        bos_token=first,
        eos_token="<|eot_id|>",
        pad_token="<|finetune_right_pad_id|>",
        chat_template=_TEMPLATE,
    ).save_pretrained(target)


def _specials(checkpoint: Path) -> list[str]:
    """Return the special tokens that fill the vocabulary behind the byte pairs.

    Raises:
        UserError: there is no room for them.
    """
    count = _num_tokens(checkpoint) - _num_pairs(checkpoint / _RANKS)
    if count < len(_NAMED):
        raise UserError(
            f"{checkpoint / ORIGINAL_CONFIG_NAME} leaves {count} ids for special tokens, Llama 3 "
            f"has at least {len(_NAMED)}: put tokenizer.json of the same model beside it"
        )
    reserved = [f"<|reserved_special_token_{n}|>" for n in range(3, 3 + count - len(_NAMED))]
    return [*_NAMED, *reserved]


def _num_tokens(checkpoint: Path) -> int:
    params = json.loads((checkpoint / ORIGINAL_CONFIG_NAME).read_text(encoding="utf-8"))
    return int(params.get("vocab_size", -1))


def _num_pairs(path: Path) -> int:
    try:
        lines = path.read_text(encoding="ascii").splitlines()
        for number, line in enumerate(lines):
            token, rank = line.split()
            base64.b64decode(token, validate=True)
            if int(rank) != number:
                raise ValueError(f"line {number + 1} has rank {rank}")
    except ValueError as error:  # also what is no text, and no base 64
        raise UserError(
            f"{path} is not in tiktoken's form, as Llama 3 and later have it: put tokenizer.json "
            "and tokenizer_config.json of the same model beside it"
        ) from error
    return len(lines)
