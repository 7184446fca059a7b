"""A Llama in Meta's own layout: ``params.json`` and ``consolidated.*.pth``.

The files hold pickles: they are read by PyTorch's weights-only loader, which builds tensors and
nothing else, and are mapped, not copied, into memory.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import NotRequired, TypedDict

import torch
from torch import Tensor
from transformers import AutoTokenizer, LlamaConfig

from ..data.errors import UserError
from ..data.original_tokenizer import tokenizer_folder

_SPLIT_ALONG_ROWS = ("wq", "wk", "wv", "w1", "w3", "output")
"""Weights that Meta's model parallelism cuts by rows; wo and w2 are cut by columns."""
_SPLIT_ALONG_COLUMNS = ("wo", "w2")
_UNUSED = "rope.freqs"


class _Params(TypedDict):
    """What is read of ``params.json``."""

    dim: int
    n_layers: int
    n_heads: int
    n_kv_heads: NotRequired[int]
    norm_eps: NotRequired[float]
    rope_theta: NotRequired[float]
    use_scaled_rope: NotRequired[bool]
    rope_scaling_factor: NotRequired[float]
    max_seq_len: NotRequired[int]


class MetaCheckpoint:
    """One checkpoint in Meta's layout.

    Args:
        folder: holds ``params.json`` and one ``consolidated.NN.pth`` for each part of the model.

    Raises:
        UserError: a file is missing or holds more than tensors.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._params = _read_params(folder / "params.json")
        paths = sorted(folder.glob("consolidated.*.pth"))
        if not paths:
            raise UserError(
                f"{folder} has params.json and no consolidated.*.pth: fetch it again, with the "
                "weights"
            )
        self._parts = [_load(path) for path in paths]
        self._check_whole()

    def config(self) -> LlamaConfig:
        """Return the shape as Transformers describes it.

        What ``params.json`` does not say, is read off the weights: the vocabulary, the size of the
        MLP, and whether the head is tied.
        """
        params, first = self._params, self._parts[0]
        num_heads = params["n_heads"]
        embedding_VD = self._whole("tok_embeddings.weight")
        is_tied = "output.weight" not in first or torch.equal(
            self._whole("output.weight"), embedding_VD
        )
        return LlamaConfig.from_dict(
            {
                "vocab_size": len(embedding_VD),
                "hidden_size": params["dim"],
                "intermediate_size": len(self._whole("layers.0.feed_forward.w1.weight")),
                "num_hidden_layers": params["n_layers"],
                "num_attention_heads": num_heads,
                "num_key_value_heads": params.get("n_kv_heads", num_heads),
                "rms_norm_eps": params.get("norm_eps", 1e-5),
                "tie_word_embeddings": is_tied,
                "architectures": ["LlamaForCausalLM"],
                **self._special_ids(),
                **_positions(params, is_tied=is_tied),
            }
        )

    def _check_whole(self) -> None:
        rows, dim = len(self._part(0, "layers.0.attention.wq.weight")), self._params["dim"]
        if rows * len(self._parts) != dim:
            raise UserError(
                f"{self._folder} has {len(self._parts)} consolidated.*.pth, its weights are cut in "
                f"{dim / rows:g}: fetch the others"
            )

    def _special_ids(self) -> dict[str, int | None]:
        tokenizer = AutoTokenizer.from_pretrained(tokenizer_folder(self._folder))
        return {
            "bos_token_id": tokenizer.bos_token_id,
            "eos_token_id": tokenizer.eos_token_id,
            "pad_token_id": tokenizer.pad_token_id,
        }

    def tensors(self) -> Iterator[tuple[str, Tensor]]:
        """Yield every weight, whole, by Meta's name."""
        for name in self._parts[0]:
            if name != _UNUSED:
                yield name, self._whole(name)

    def _whole(self, name: str) -> Tensor:
        parts = [self._part(number, name) for number in range(len(self._parts))]
        if len(parts) == 1:
            return parts[0]
        kind = name.split(".")[-2]
        if kind in _SPLIT_ALONG_ROWS:
            return torch.cat(parts, dim=0)
        if kind in _SPLIT_ALONG_COLUMNS:
            return torch.cat(parts, dim=1)
        if kind == "tok_embeddings":
            # Cut by columns up to Llama 2, by rows since Llama 3: a whole row has dim values.
            return torch.cat(parts, dim=0 if parts[0].shape[1] == self._params["dim"] else 1)
        return parts[0]  # norms: the same in every part

    def _part(self, number: int, name: str) -> Tensor:
        try:
            return self._parts[number][name]
        except KeyError as error:
            raise UserError(
                f"{self._folder} lacks {name} in part {number}: fetch or convert it again"
            ) from error


def _positions(params: _Params, *, is_tied: bool) -> dict[str, object]:
    """Return how the model counts positions, and how many it was trained for."""
    theta = float(params.get("rope_theta", 10_000.0))
    if not params.get("use_scaled_rope", False):
        longest = 8192 if theta > 10_000 else 4096  # Llama 3; Llama 2 and before
        return {
            "max_position_embeddings": params.get("max_seq_len", longest),
            "rope_parameters": {"rope_type": "default", "rope_theta": theta},
        }
    # Meta's files do not always say the factor: 8 in Llama 3.1 and 3.3, 32 in the small models of
    # 3.2, which are the ones that tie their head.
    factor = params.get("rope_scaling_factor", 32.0 if is_tied else 8.0)
    return {
        "max_position_embeddings": params.get("max_seq_len", 131_072),
        "rope_parameters": {
            "rope_type": "llama3",
            "rope_theta": theta,
            "factor": float(factor),
            "low_freq_factor": 1.0,
            "high_freq_factor": 4.0,
            "original_max_position_embeddings": 8192,
        },
    }


def _read_params(path: Path) -> _Params:
    try:
        params = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise UserError(f"{path} is no JSON ({error}): fetch it again") from error
    if missing := sorted(_Params.__required_keys__ - params.keys()):
        raise UserError(f"{path} does not say {missing[0]}: it describes no Llama")
    return params


def _load(path: Path) -> dict[str, Tensor]:
    try:
        return torch.load(path, map_location="cpu", weights_only=True, mmap=True)
    except Exception as error:
        raise UserError(
            f"{path} is cut or holds more than tensors ({type(error).__name__}), and is not read: "
            "fetch it again"
        ) from error
