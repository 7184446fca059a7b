"""Perplexity of texts under a KenLM n-gram model, for those who have one of their language."""

import math
from pathlib import Path

from ..errors import UserError


class PerplexityModel:
    """A KenLM model, read from an ``.arpa`` or binary file.

    A text is scored as KenLM's own ``query`` does: line by line, its words as they stand between
    white space. Train the model on text in that form.

    Raises:
        UserError: the package is not installed, or the file is no such model.
    """

    def __init__(self, path: Path) -> None:
        try:
            import kenlm  # pyright: ignore[reportMissingImports]  optional, see the message
        except ImportError as error:
            raise UserError(
                f"quality.perplexity_model is {path}, but the package kenlm is not installed: "
                "pip install kenlm"
            ) from error
        if not path.is_file():
            raise UserError(f"quality.perplexity_model: there is no file {path}")
        try:
            self._model = kenlm.Model(str(path))
        except (OSError, RuntimeError) as error:
            raise UserError(
                f"quality.perplexity_model: {path} is no KenLM model ({error})"
            ) from error

    def of(self, text: str) -> float:
        """Return the text's perplexity per word, ends of lines counted; infinite without words."""
        log10, num_words = 0.0, 0
        for line in text.split("\n"):
            words = line.split()
            if words:
                log10 += self._model.score(" ".join(words))
                num_words += len(words) + 1
        return 10 ** (-log10 / num_words) if num_words else math.inf
