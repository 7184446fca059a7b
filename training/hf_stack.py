"""``stack=hf``: Transformers' Llama with PEFT's adapters."""

# B rows, T tokens, P prefix tokens, N trained positions, D hidden size, M tokens of all documents

from collections.abc import Mapping
from functools import partial
from pathlib import Path

import torch
from peft import get_peft_model
from torch import Tensor, nn
from transformers import DynamicCache, LlamaForCausalLM

from ..data.batches import Batch
from ..data.errors import UserError
from ..data.flat_batch import flatten
from .adapter_file import PEFT_PREFIX, lora_config, write_adapter
from .four_bit import load_four_bit_llama
from .fused_llama import FusedLlama, can_fuse
from .kernels import PLAIN, Kernels, apply_liger, flat_attention
from .late_weights import fill_weights, hollow_llama, leave_out_weights
from .loss import cross_entropies
from .settings import MethodConfig, MethodKind
from .stack import TrainableModel
from .token_weights import (
    TokenWeights,
    apply_token_weights,
    choose_token_weights,
    token_lr_factors,
)


class _Losses(nn.Module):
    """The Llama decoder with the head at trained positions only."""

    def __init__(self, llama: LlamaForCausalLM, dtype: torch.dtype, kernels: Kernels) -> None:
        super().__init__()
        self.llama = llama
        self._dtype = dtype
        self._fuses = kernels.fused and can_fuse(llama)
        self._takes_flat_rows = kernels.takes_flat_rows
        self.needs_mask = not (self._fuses or self._takes_flat_rows)
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
        return self._flat_states(batch) if self._takes_flat_rows else self._target_states(batch)

    def _flat_states(self, batch: Batch) -> Tensor:
        """Return the same by an attention that takes documents one behind the other.

        Transformers tells flash by the lengths where they begin, and flex by their positions.
        """
        assert len(batch.prefix_P) == 0  # shares_prefix is False
        flat = flatten(batch)
        hidden_MD = self.llama.model(
            flat.ids_N[None],
            position_ids=flat.positions_N[None],
            use_cache=False,
            **flat_attention(flat.lengths, device=flat.ids_N.device),
        ).last_hidden_state[0]
        return hidden_MD[flat.target_at_M]

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
    folder: Path,
    method: MethodConfig,
    *,
    dtype: torch.dtype,
    seed: int,
    kernels: Kernels = PLAIN,
    late: bool = False,
) -> TrainableModel:
    """Return the folder's Llama with adapters, or with its own weights trainable.

    Args:
        late: leave the weights out where the method allows; ``fill`` then puts them in.

    Raises:
        UserError: the method does not fit the model or this machine.
    """
    late = late and method.kind is not MethodKind.qlora
    base_dtype = dtype if method.is_adapter else torch.float32
    llama = _load(folder, method, dtype=base_dtype, attention=kernels.transformers_name, late=late)
    if kernels.liger:
        apply_liger(llama)
    num_layers = llama.config.num_hidden_layers
    if not 0 <= method.first_layer < num_layers:
        raise UserError(
            f"method.first_layer must lie in 0..{num_layers - 1} for {folder.name}, "
            f"got {method.first_layer}"
        )
    chosen = choose_token_weights(method, is_tied=llama.config.tie_word_embeddings, folder=folder)
    if method.is_adapter:
        _add_adapters(llama, method, seed=seed)
    else:
        for layer in llama.model.layers[: method.first_layer]:
            layer.requires_grad_(requires_grad=False)
    apply_token_weights(llama.model.embed_tokens, llama.lm_head, chosen)
    if late:
        leave_out_weights(llama)
    factors = token_lr_factors(
        method, chosen, embedding="llama.model.embed_tokens.weight", head="llama.lm_head.weight"
    )

    def save(target: Path, weights: Mapping[str, Tensor]) -> None:
        values = {name.removeprefix("llama."): value for name, value in weights.items()}
        if method.is_adapter:
            tensors = {_peft_name(name): value for name, value in values.items()}
            config = lora_config(method, num_layers=num_layers)
            write_adapter(target, tensors, config, chosen=chosen, base=folder)
        else:
            _save_full(llama, target, values, chosen)

    module = _Losses(llama, dtype, kernels)
    return TrainableModel(
        module=module,
        layers=list(llama.model.layers),
        save=save,
        shares_prefix=not kernels.takes_flat_rows,
        saves_all=not method.is_adapter,
        needs_mask=module.needs_mask,
        max_positions=llama.config.max_position_embeddings,
        lr_factors=factors,
        fill=partial(fill_weights, llama, folder, base_dtype) if late else None,
    )


def _load(
    folder: Path, method: MethodConfig, *, dtype: torch.dtype, attention: str, late: bool
) -> LlamaForCausalLM:
    if method.kind is MethodKind.qlora:
        return load_four_bit_llama(folder, dtype=dtype, attention=attention)
    if late:
        return hollow_llama(folder, dtype=dtype, attention=attention)
    return LlamaForCausalLM.from_pretrained(
        folder,
        dtype=dtype,
        attn_implementation=attention,
        use_safetensors=True,
    )


def _add_adapters(llama: LlamaForCausalLM, method: MethodConfig, *, seed: int) -> None:
    """Put PEFT's adapters around the chosen linear layers, and freeze everything else."""
    torch.manual_seed(seed)
    try:
        get_peft_model(llama, lora_config(method, num_layers=llama.config.num_hidden_layers))
    except ValueError as error:
        raise UserError(
            f"method.targets {method.targets} do not fit this model: {error}"
        ) from error


def _peft_name(name: str) -> str:
    """Return the name in an adapter's file: without the adapter's name, which is set on opening."""
    name = name.replace(".lora_magnitude_vector.default.weight", ".lora_magnitude_vector")
    return PEFT_PREFIX + name.replace(".default.weight", ".weight")


def _save_full(
    llama: LlamaForCausalLM, target: Path, values: Mapping[str, Tensor], chosen: TokenWeights
) -> None:
    if llama.config.tie_word_embeddings and not chosen.is_tied:
        llama.config.tie_word_embeddings = False
        llama.all_tied_weights_keys = {}
    llama.save_pretrained(str(target), state_dict=dict(values))
