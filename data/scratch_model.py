"""A Llama with random weights, from numbers in YAML: for tests and for research on small models."""

from dataclasses import dataclass
from pathlib import Path

from .checkpoint_folder import checkpoint_identity
from .config import as_json
from .manifest import Json, sha256_of_json
from .model_cache import cache_folder, make_once


@dataclass(kw_only=True, slots=True)
class ScratchConfig:
    """The shape of a new Llama; its vocabulary is that of the tokenizer."""

    hidden_size: int = 128
    """Width of the residual stream; a multiple of ``num_heads``."""
    intermediate_size: int = 384
    num_layers: int = 4
    num_heads: int = 4
    """Query heads."""
    num_kv_heads: int = 2
    """Key and value heads; divides ``num_heads``."""
    max_positions: int = 2048
    rope_theta: float = 10_000.0
    tie_embeddings: bool = True
    """One matrix for embedding and head."""
    seed: int = 0
    """Of the first values."""

    def __post_init__(self) -> None:
        for name in ("intermediate_size", "num_layers", "num_heads", "num_kv_heads"):
            if getattr(self, name) < 1:
                raise ValueError(f"model.scratch.{name} must be 1 or more: {getattr(self, name)}")
        if self.hidden_size < 1 or self.hidden_size % (2 * self.num_heads):
            raise ValueError(
                "model.scratch.hidden_size must be a multiple of twice num_heads "
                f"({2 * self.num_heads}), got {self.hidden_size}"
            )
        if self.num_heads % self.num_kv_heads:
            raise ValueError(
                f"model.scratch.num_kv_heads must divide num_heads ({self.num_heads}), "
                f"got {self.num_kv_heads}"
            )


def scratch_checkpoint(config: ScratchConfig, *, tokenizer_folder: Path) -> Path:
    """Return the folder of the new model with that tokenizer; the same numbers, the same bytes."""
    settings: dict[str, Json] = {
        **as_json(config),
        "tokenizer": checkpoint_identity(tokenizer_folder),
    }
    folder = cache_folder() / "models" / f"scratch-{sha256_of_json(settings)[:12]}"
    return make_once(
        folder,
        lambda target: _make(config, tokenizer_folder, target),
        recipe="scratch_model",
        config=settings,
        inputs=[],
        licences=[],
        says=f"makes a Llama with random weights (seed {config.seed}), writes {folder} (once)",
    )


def _make(config: ScratchConfig, tokenizer_folder: Path, target: Path) -> None:
    import torch
    from transformers import AutoTokenizer, LlamaConfig, LlamaForCausalLM

    tokenizer = AutoTokenizer.from_pretrained(tokenizer_folder, local_files_only=True)
    tokenizer.save_pretrained(target)
    llama_config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=config.hidden_size,
        intermediate_size=config.intermediate_size,
        num_hidden_layers=config.num_layers,
        num_attention_heads=config.num_heads,
        num_key_value_heads=config.num_kv_heads,
        max_position_embeddings=config.max_positions,
        rope_parameters={"rope_type": "default", "rope_theta": config.rope_theta},
        tie_word_embeddings=config.tie_embeddings,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.seed)
        LlamaForCausalLM(llama_config).save_pretrained(target)
