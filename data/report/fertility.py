"""How many tokens a tokenizer needs for the corpus' language: what a text costs to train."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from ..errors import UserError
from .sample import KeptRow

if TYPE_CHECKING:
    from tokenizers import Tokenizer


class Fertility(NamedTuple):
    """Tokens of a sample, in ratios."""

    rows: int
    tokens_per_word: float
    """Words are what stands between white space."""
    tokens_per_byte: float
    """Bytes of UTF-8: comparable between scripts."""


def fertility(rows: Sequence[KeptRow], *, tokenizer: Path) -> Fertility:
    """Return the tokenizer's ratios on the rows, special tokens not counted.

    Args:
        rows: at least one row.
        tokenizer: a checkpoint's ``tokenizer.json``.

    Raises:
        UserError: the file is no tokenizer.
    """
    model = load_tokenizer(tokenizer)
    texts = [row.text for row in rows]
    encoded = model.encode_batch_fast(texts, add_special_tokens=False)
    num_tokens = sum(len(item) for item in encoded)
    num_words = sum(len(text.split()) for text in texts)
    num_bytes = sum(len(text.encode()) for text in texts)
    return Fertility(len(rows), num_tokens / num_words, num_tokens / num_bytes)


def load_tokenizer(file: Path) -> "Tokenizer":
    """Return the tokenizer of a ``tokenizer.json``.

    Raises:
        UserError: the file is no tokenizer.
    """
    from tokenizers import Tokenizer

    try:
        return Tokenizer.from_file(str(file))
    except Exception as error:  # tokenizers raises this very class
        raise UserError(f"tokenizer: {file} is no tokenizer ({error})") from error
