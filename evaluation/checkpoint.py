"""A Llama checkpoint in memory, ready to answer: Transformers, with its adapter merged in."""

import json
from pathlib import Path
from typing import NamedTuple

import torch
from peft import PeftModel
from safetensors import SafetensorError
from transformers import (
    AutoTokenizer,
    GenerationConfig,
    LlamaForCausalLM,
    PreTrainedTokenizerBase,
)

from ..data.chat import encode_conversation
from ..data.errors import RunError, UserError
from ..data.hardware import Precision
from ..data.manifest import MANIFEST_NAME, require_whole
from ..data.message import Message
from .system import ADAPTER_CONFIG, System


class Choice(NamedTuple):
    """A label as token ids."""

    ids: list[int]
    end_ids: list[int]
    """What closes the turn behind it; may be empty."""


class Checkpoint(NamedTuple):
    """A model with its tokenizer and the tokens that end a reply."""

    model: LlamaForCausalLM
    tokenizer: PreTrainedTokenizerBase
    end_ids: list[int]


def load_checkpoint(system: System, *, precision: Precision, local_rank: int = 0) -> Checkpoint:
    """Return the system's checkpoint on the fastest device, in evaluation mode.

    Only safetensors are read and no code of the checkpoint is run. Files that a manifest vouches
    for are compared with their hashes first. An adapter is merged in fp32, then rounded if need be.

    Args:
        local_rank: number of this process' GPU.

    Raises:
        UserError: a file is damaged, or the adapter is of a kind that cannot be merged.
        RunError: the weights cannot be read.
    """
    assert system.folder is not None
    assert system.base is not None
    for folder in {system.folder, system.base}:
        if (folder / MANIFEST_NAME).is_file():
            require_whole(folder)
    try:
        model = _load(system.folder, system.base)
    except (SafetensorError, OSError) as error:
        raise RunError(f"{system.folder} cannot be loaded: {error}; make it again") from error
    dtype = torch.bfloat16 if precision is Precision.bf16 else torch.float32
    device = f"cuda:{local_rank}" if torch.cuda.is_available() else "cpu"
    torch.nn.Module.to(model, device=device, dtype=dtype)
    model.eval()
    has_tokenizer = (system.folder / "tokenizer_config.json").is_file()
    tokenizer = AutoTokenizer.from_pretrained(
        system.folder if has_tokenizer else system.base, local_files_only=True
    )
    return Checkpoint(model, tokenizer, _end_ids(system.base, tokenizer))


def label_choices(
    tokenizer: PreTrainedTokenizerBase, prompt: list[Message], labels: list[str]
) -> list[Choice]:
    """Return the labels as the tokens that training puts behind this prompt."""
    choices: list[Choice] = []
    for label in labels:
        turns = [*prompt, Message(role="assistant", content=label)]
        encoded = encode_conversation(tokenizer, turns)
        ids = [token for token, yes in zip(encoded.ids, encoded.trained, strict=True) if yes]
        is_end = ids[-1] in tokenizer.all_special_ids
        choices.append(Choice(ids[:-1], ids[-1:]) if is_end else Choice(ids, []))
    return choices


def _load(folder: Path, base: Path) -> LlamaForCausalLM:
    model = LlamaForCausalLM.from_pretrained(
        base,
        dtype=torch.float32,
        attn_implementation="sdpa",
        use_safetensors=True,
        local_files_only=True,
    )
    if folder == base:
        return model
    kind = json.loads((folder / ADAPTER_CONFIG).read_text(encoding="utf-8")).get("peft_type")
    if kind != "LORA":
        raise UserError(f"{folder} is a {kind} adapter: only LoRA (and DoRA) can be merged")
    adapted = PeftModel.from_pretrained(model, str(folder), local_files_only=True)
    merged = adapted.merge_and_unload()  # pyright: ignore[reportCallIssue]
    assert isinstance(merged, LlamaForCausalLM)
    return merged


def _end_ids(base: Path, tokenizer: PreTrainedTokenizerBase) -> list[int]:
    """Return every token that ends a turn: Llama 3 names several."""
    ends: list[object] = [tokenizer.eos_token_id]
    if (base / "generation_config.json").is_file():
        named = GenerationConfig.from_pretrained(base, local_files_only=True).eos_token_id
        ends += named if isinstance(named, list) else [named]
    return sorted({end for end in ends if isinstance(end, int)})
