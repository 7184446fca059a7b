"""A finished model folder opened again: whole weights, or an adapter on its parent, in fp32."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from peft import PeftModel
from safetensors.torch import load_file
from torch import Tensor
from transformers import LlamaForCausalLM

from ..data.checkpoint_folder import check_llama, is_original
from ..data.errors import RunError, UserError
from ..data.manifest import Manifest, require_whole

ADAPTER_CONFIG = "adapter_config.json"
ADAPTER_WEIGHTS = "adapter_model.safetensors"
_PEFT_PREFIX = "base_model.model."


@dataclass(frozen=True, slots=True)
class TrainedModel:
    """What a ``finetune`` left in its model folder."""

    folder: Path
    manifest: Manifest
    parent: Path | None
    """The checkpoint below an adapter; None where the folder holds whole weights."""

    @classmethod
    def open(cls, folder: Path) -> "TrainedModel":
        """Return the finished model in the folder; its files are compared with their hashes.

        Raises:
            UserError: the folder is unfinished, damaged, or made by another recipe; or the parent
                of its adapter is not there.
        """
        manifest = require_whole(folder)
        if manifest.recipe != "finetune":
            raise UserError(f"{folder} was made by {manifest.recipe}: name a finetune's model/")
        if not (folder / ADAPTER_CONFIG).is_file():
            return cls(folder, manifest, parent=None)
        parent = Path(_adapter_config(folder)["base_model_name_or_path"])
        if not parent.is_dir():
            raise UserError(
                f"the adapter's parent {parent} does not exist: fetch it again (lokal download), "
                f"or correct base_model_name_or_path in {folder / ADAPTER_CONFIG}"
            )
        if is_original(parent):
            raise UserError(
                f"the adapter's parent {parent} is in Meta's original layout: fetch the same model "
                f"with model.layout=transformers and name it in {folder / ADAPTER_CONFIG}"
            )
        check_llama(parent)
        return cls(folder, manifest, parent=parent)

    def load(self) -> LlamaForCausalLM | PeftModel:
        """Return a fresh copy of the model in fp32, its adapter beside its parent's weights."""
        if self.parent is None:
            return load_llama(self.folder)
        return open_adapter(self.folder, self.parent)

    def saved_modules(self) -> dict[str, Tensor]:
        """Return the embedding and head that the adapter brings whole, by Transformers' names."""
        if self.parent is None:
            return {}
        names = _adapter_config(self.folder).get("modules_to_save") or []
        weights = load_file(self.folder / ADAPTER_WEIGHTS)
        plain = {name.removeprefix(_PEFT_PREFIX): value for name, value in weights.items()}
        return {
            name: value
            for name, value in plain.items()
            if any(name.endswith(f"{module}.weight") for module in names)
        }


def load_llama(folder: Path) -> LlamaForCausalLM:
    """Return whole weights from a folder, in fp32; nothing is fetched, no code is run."""
    return LlamaForCausalLM.from_pretrained(
        folder,
        dtype=torch.float32,
        attn_implementation="sdpa",
        use_safetensors=True,
        local_files_only=True,
    ).eval()


def open_adapter(folder: Path, parent: Path) -> PeftModel:
    """Return the folder's adapter on its parent, not merged, in fp32."""
    adapted = PeftModel.from_pretrained(load_llama(parent), str(folder), local_files_only=True)
    assert isinstance(adapted, PeftModel)
    return adapted.eval()


def merge(adapted: PeftModel, *, saved_modules: Mapping[str, Tensor]) -> LlamaForCausalLM:
    """Return one Llama with the adapter added to its weights; the argument is used up.

    A trained head of a tied model stays what it was trained to: the model is then no longer tied,
    and its config says so. Left tied, the head would be dropped when the model is opened again.

    Raises:
        RunError: the merged model does not hold what the adapter brought.
    """
    merged = adapted.merge_and_unload()  # pyright: ignore[reportCallIssue]
    assert isinstance(merged, LlamaForCausalLM)
    embedding, head = merged.model.embed_tokens, merged.lm_head
    if torch.equal(embedding.weight, head.weight):
        head.weight = embedding.weight
        merged.config.tie_word_embeddings = True
    else:
        merged.config.tie_word_embeddings = False
        merged.all_tied_weights_keys = {}
    weights = dict(merged.named_parameters(remove_duplicate=False))
    for name, value in saved_modules.items():
        if not torch.equal(weights[name].detach(), value.to(weights[name].dtype)):
            raise RunError(f"the merged model lost the trained {name}: this is a fault of lokal")
    return merged


def _adapter_config(folder: Path) -> dict[str, str]:
    return json.loads((folder / ADAPTER_CONFIG).read_text(encoding="utf-8"))
