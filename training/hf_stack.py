"""``stack=hf``: Transformers' Llama with PEFT's LoRA."""

# B rows, T tokens, P prefix tokens, N trained positions, D hidden size

from collections.abc import Mapping
from pathlib import Path

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from torch import Tensor, nn
from transformers import DynamicCache, LlamaForCausalLM

from ..data.batches import Batch
from ..data.errors import UserError
from .fused_llama import FusedLlama, can_fuse
from .loss import cross_entropies
from .settings import MethodConfig, MethodKind
from .stack import TrainableModel

_PEFT_PREFIX = "base_model.model."
"""What PEFT puts before the names of the model that it wraps."""


class _Losses(nn.Module):
    """The Llama decoder with the head at trained positions only."""

    def __init__(self, llama: LlamaForCausalLM, dtype: torch.dtype, *, fused: bool) -> None:
        super().__init__()
        self.llama = llama
        self._dtype = dtype
        self._fuses = fused
        self._fused: FusedLlama | None = None

    def forward(self, batch: Batch, *, wants_logits: bool = False) -> Tensor:
        is_bf16 = self._dtype is torch.bfloat16
        with torch.autocast(batch.ids_BT.device.type, self._dtype, enabled=is_bf16):
            hidden_ND = self._states(batch)
            if wants_logits:
                return self.llama.lm_head(hidden_ND).float()
            return cross_entropies(hidden_ND, self.llama.lm_head, batch.targets_N)

    def _states(self, batch: Batch) -> Tensor:
        if self._fuses:
            # Made at the first batch, when the weights are on their device.
            self._fused = self._fused or FusedLlama(self.llama, dtype=self._dtype)
            return self._fused.target_states(batch)
        return self._target_states(batch)

    def _target_states(self, batch: Batch) -> Tensor:
        """Return the hidden states that predict the trained tokens, by Transformers' decoder."""
        decoder = self.llama.model
        cache = None
        if len(batch.prefix_P):
            cache = DynamicCache(config=self.llama.config)
            decoder(batch.prefix_P[None], past_key_values=cache, use_cache=True)
            cache.batch_repeat_interleave(len(batch.ids_BT))
        mask = None if batch.mask_BTS is None else batch.mask_BTS[:, None]
        hidden_BTD = decoder(
            batch.ids_BT,
            attention_mask=mask,
            position_ids=batch.positions_BT,
            past_key_values=cache,
            use_cache=cache is not None,
        ).last_hidden_state
        return hidden_BTD.flatten(0, 1)[batch.target_at_N]


def load_hf_model(
    folder: Path, method: MethodConfig, *, dtype: torch.dtype, seed: int, fused: bool = False
) -> TrainableModel:
    """Return the folder's Llama with LoRA adapters, or with its own weights trainable."""
    load_dtype = dtype if method.kind is MethodKind.lora else torch.float32
    llama = LlamaForCausalLM.from_pretrained(
        folder, dtype=load_dtype, attn_implementation="sdpa", use_safetensors=True
    )
    num_layers = llama.config.num_hidden_layers
    if not 0 <= method.first_layer < num_layers:
        raise UserError(
            f"method.first_layer must lie in 0..{num_layers - 1} for {folder.name}, "
            f"got {method.first_layer}"
        )
    is_lora = method.kind is MethodKind.lora
    if is_lora:
        saved: LlamaForCausalLM | PeftModel = _with_lora(llama, method, seed=seed)
    else:
        _freeze_below(llama, method.first_layer)
        saved = llama
    prefix = _PEFT_PREFIX if is_lora else ""

    def save(target: Path, weights: Mapping[str, Tensor]) -> None:
        values = {prefix + name.removeprefix("llama."): value for name, value in weights.items()}
        saved.save_pretrained(str(target), state_dict=values)

    return TrainableModel(
        module=_Losses(llama, dtype, fused=fused and can_fuse(llama)),
        layers=list(llama.model.layers),
        save=save,
        shares_prefix=True,
        saves_all=not is_lora,
    )


def _with_lora(llama: LlamaForCausalLM, method: MethodConfig, *, seed: int) -> PeftModel:
    torch.manual_seed(seed)
    config = LoraConfig(
        r=method.rank,
        lora_alpha=method.alpha,
        lora_dropout=method.dropout,
        target_modules=list(method.targets),
        layers_to_transform=list(range(method.first_layer, llama.config.num_hidden_layers)),
        task_type="CAUSAL_LM",
    )
    try:
        adapted = get_peft_model(llama, config)
    except ValueError as error:
        raise UserError(
            f"method.targets {method.targets} do not fit this model: {error}"
        ) from error
    assert isinstance(adapted, PeftModel)
    return adapted


def _freeze_below(llama: LlamaForCausalLM, first_layer: int) -> None:
    """Freeze the embedding and the layers below, when only the upper ones are to be trained."""
    if first_layer == 0:
        return
    for module in (llama.model.embed_tokens, *llama.model.layers[:first_layer]):
        module.requires_grad_(requires_grad=False)
