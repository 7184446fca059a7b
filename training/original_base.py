"""The base of an adapter in Transformers' form, where training read Meta's layout.

PEFT puts an adapter above a folder that Transformers opens. A base in Meta's layout is therefore
converted once into the cache; its weights keep their format.
"""

from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

from huggingface_hub import save_torch_state_dict
from torch import Tensor
from transformers import AutoTokenizer

from ..data.checkpoint_folder import config_file, is_original
from ..data.model_cache import cache_folder, make_once
from ..data.original_tokenizer import tokenizer_folder
from .meta_checkpoint import MetaCheckpoint
from .torchtune_compat import meta_to_tune, tune_to_hf
from .torchtune_decoder import converter_shape


def transformers_base(folder: Path) -> Path:
    """Return the folder itself, or its conversion."""
    if not is_original(folder):
        return folder
    digest = sha256(str(folder.resolve()).encode()).hexdigest()[:8]
    target = cache_folder() / "models" / f"{folder.name}-{digest}"
    return make_once(
        target,
        lambda temporary: _convert(folder, temporary),
        recipe="original_base",
        config={},
        inputs=[config_file(folder), *sorted(folder.glob("consolidated.*.pth"))],
        licences=[],
        says=f"reads {folder}, writes {target} (once): PEFT needs the adapter's base in this form",
    )


def _convert(folder: Path, target: Path) -> None:
    checkpoint = MetaCheckpoint(folder)
    config = checkpoint.config()
    weights = dict(_hf_tensors(checkpoint))
    if config.tie_word_embeddings:
        weights.pop("lm_head.weight", None)
    config.dtype = next(iter(weights.values())).dtype
    config.save_pretrained(target)
    save_torch_state_dict(weights, target)
    AutoTokenizer.from_pretrained(tokenizer_folder(folder)).save_pretrained(target)


def _hf_tensors(checkpoint: MetaCheckpoint) -> Iterator[tuple[str, Tensor]]:
    shape = converter_shape(checkpoint.config())
    for name, value in checkpoint.tensors():
        yield from tune_to_hf(meta_to_tune({name: value}), **shape).items()
