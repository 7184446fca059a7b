"""What lies in a checkpoint folder: whether it is a Llama that is loaded, and which one."""

import json
from pathlib import Path

from .errors import UserError
from .manifest import MANIFEST_NAME, Json, sha256_of_file

CONFIG_NAME = "config.json"
ORIGINAL_CONFIG_NAME = "params.json"
_ADAPTER_NAME = "adapter_config.json"
_ORIGINAL_TOKENIZER = "tokenizer.model"
_ORIGINAL_WEIGHTS = "consolidated.*.pth"
_INDEX_NAME = "model.safetensors.index.json"


def is_original(folder: Path) -> bool:
    """Return whether the folder is in Meta's original layout and in no other."""
    return (folder / ORIGINAL_CONFIG_NAME).is_file() and not (folder / CONFIG_NAME).is_file()


def config_file(folder: Path) -> Path:
    """Return the file with the model's shape, which stands for the folder in a manifest."""
    return folder / (ORIGINAL_CONFIG_NAME if is_original(folder) else CONFIG_NAME)


def check_llama(folder: Path, *, reads_original: bool = False) -> None:
    """Refuse a folder that is not a whole Llama checkpoint.

    Args:
        reads_original: whether the caller can also read Meta's original layout.

    Raises:
        UserError: says what is missing.
    """
    if is_original(folder):
        _check_original(folder, is_read=reads_original)
        return
    file = folder / CONFIG_NAME
    if (folder / _ADAPTER_NAME).is_file() and not file.is_file():
        raise UserError(
            f"{folder} is an adapter, not a whole model: merge it into its parent with "
            f"`lokal export to=merged checkpoint={folder} name=merged`, and give model.path the "
            "folder that this writes"
        )
    if not file.is_file():
        raise UserError(f"{folder} is no checkpoint (no config.json): correct model.path")
    try:
        architectures = json.loads(file.read_text(encoding="utf-8"))["architectures"]
    except (ValueError, KeyError) as error:
        raise UserError(f"{file} names no architecture: correct model.path") from error
    if "LlamaForCausalLM" not in architectures:
        raise UserError(
            f"{folder} is {architectures[0]}, not LlamaForCausalLM: choose a Llama checkpoint"
        )
    if not list(folder.glob("*.safetensors")):
        raise UserError(
            f"{folder} has no .safetensors file: pickled weights are never loaded, convert them"
        )
    if missing := _missing_shards(folder):
        raise UserError(f"{folder} lacks {missing[0]}, which its index names: fetch it again")


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
    weights = sorted(folder.glob("*.safetensors"))
    if is_original(folder):
        small.append(folder / _ORIGINAL_TOKENIZER)
        weights = sorted(folder.glob(_ORIGINAL_WEIGHTS))
    hashes: dict[str, Json] = {path.name: sha256_of_file(path) for path in small}
    sizes: dict[str, Json] = {path.name: path.stat().st_size for path in weights}
    return {"files": hashes, "weights": sizes}


def _check_original(folder: Path, *, is_read: bool) -> None:
    if not is_read:
        raise UserError(
            f"{folder} is in Meta's original layout (params.json), which only stack=torchtune "
            "reads: choose it, or a folder with config.json and safetensors"
        )
    if not list(folder.glob(_ORIGINAL_WEIGHTS)):
        raise UserError(f"{folder} has no {_ORIGINAL_WEIGHTS}: fetch it again")
    if not (folder / _ORIGINAL_TOKENIZER).is_file():
        raise UserError(f"{folder} has no {_ORIGINAL_TOKENIZER}: fetch it again")


def _missing_shards(folder: Path) -> list[str]:
    index = folder / _INDEX_NAME
    if not index.is_file():
        return []
    try:
        names = set(json.loads(index.read_text(encoding="utf-8"))["weight_map"].values())
    except (ValueError, KeyError, AttributeError) as error:
        raise UserError(f"{index} is no index of weights: fetch it again") from error
    return sorted(name for name in names if not (folder / name).is_file())
