"""``stack=torchtune``: a Llama of torchtune's building blocks, with torchtune's LoRA layers.

torchtune keeps the rows of q and k in Meta's order, Transformers in another: its own converters
permute them on the way in and back on the way out, so that what is saved opens anywhere.
"""

# B rows, T tokens, N trained positions, D hidden size

import json
import shutil
from collections.abc import Mapping
from pathlib import Path

import torch
from peft import LoraConfig
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from transformers import LlamaConfig

from ..data.batches import Batch
from ..data.errors import UserError
from .loss import cross_entropies
from .settings import MethodConfig, MethodKind
from .stack import TrainableModel
from .torchtune_compat import (
    LoRALinear,
    TransformerDecoder,
    hf_to_tune,
    tune_to_hf,
    tune_to_peft_adapter_weights,
)
from .torchtune_decoder import MODULE_OF_TARGET, build_decoder, converter_shape


class _Losses(nn.Module):
    """The decoder with the head at trained positions only."""

    def __init__(self, decoder: TransformerDecoder, head: nn.Linear, dtype: torch.dtype) -> None:
        super().__init__()
        self.decoder = decoder
        self.head = head
        self._dtype = dtype

    def forward(self, batch: Batch, *, wants_logits: bool = False) -> Tensor:
        assert len(batch.prefix_P) == 0  # shares_prefix is False
        is_bf16 = self._dtype is torch.bfloat16
        with torch.autocast(batch.ids_BT.device.type, self._dtype, enabled=is_bf16):
            hidden_BTD = self.decoder(
                batch.ids_BT, mask=batch.mask_BTS, input_pos=batch.positions_BT
            )
            hidden_ND = hidden_BTD.flatten(0, 1)[batch.target_at_N]
            if wants_logits:
                return self.head(hidden_ND).float()
            return cross_entropies(hidden_ND, self.head, batch.targets_N)


def load_torchtune_model(
    folder: Path, method: MethodConfig, *, dtype: torch.dtype, seed: int
) -> TrainableModel:
    """Return the folder's Llama with LoRA adapters, or with its own weights trainable.

    The same seed gives the adapters the same first values as ``stack=hf``.

    Raises:
        UserError: torchtune cannot build this model, or the method does not fit it.
    """
    config = LlamaConfig.from_pretrained(folder)
    _check_fits(config, method, folder)
    is_lora = method.kind is MethodKind.lora
    decoder = build_decoder(config, method, folder)
    head = _load_weights(decoder, config, folder, dtype=dtype if is_lora else torch.float32)
    module = _Losses(decoder, head, dtype)
    if is_lora:
        module.requires_grad_(requires_grad=False)
        _add_first_values(decoder, seed=seed)
    elif method.first_layer > 0:
        for part in (decoder.tok_embeddings, *decoder.layers[: method.first_layer]):
            part.requires_grad_(requires_grad=False)

    def save(target: Path, weights: Mapping[str, Tensor]) -> None:
        values = {name.removeprefix("decoder."): value for name, value in weights.items()}
        if is_lora:
            _save_adapter(target, values, config, method, base=folder)
        else:
            _save_full(target, values, config, base=folder)

    return TrainableModel(
        module=module,
        layers=list(decoder.layers),
        save=save,
        shares_prefix=False,
        saves_all=not is_lora,
    )


def _check_fits(config: LlamaConfig, method: MethodConfig, folder: Path) -> None:
    if config.hidden_act != "silu" or config.attention_bias or config.mlp_bias:
        raise UserError(
            f"{folder} has biases or another activation than silu, which stack=torchtune does not "
            "build: choose stack=hf"
        )
    if not 0 <= method.first_layer < config.num_hidden_layers:
        raise UserError(
            f"method.first_layer must lie in 0..{config.num_hidden_layers - 1} for {folder.name}, "
            f"got {method.first_layer}"
        )
    if unknown := sorted(set(method.targets) - set(MODULE_OF_TARGET)):
        raise UserError(
            f"method.targets names {unknown[0]!r}: stack=torchtune knows "
            f"{', '.join(MODULE_OF_TARGET)}"
        )


def _load_weights(
    decoder: TransformerDecoder, config: LlamaConfig, folder: Path, *, dtype: torch.dtype
) -> nn.Linear:
    """Fill the decoder from the folder's safetensors; return the head, tied if the config says so.

    Raises:
        UserError: a weight is missing.
    """
    weights = hf_to_tune(_read_weights(folder, dtype=dtype), **converter_shape(config))
    head_weight = weights.pop("output.weight", None)
    # assign: the tensors become the parameters, so that nothing is held twice.
    missing = decoder.load_state_dict(weights, strict=False, assign=True).missing_keys
    missing = [name for name in missing if ".lora_" not in name]
    if head_weight is None and not config.tie_word_embeddings:
        missing.append("output.weight")
    if missing:
        raise UserError(f"{folder} lacks the weight {missing[0]}: fetch or convert it again")
    head = nn.Linear(config.hidden_size, config.vocab_size, bias=False, device="meta")
    head.weight = (
        decoder.tok_embeddings.weight
        if config.tie_word_embeddings or head_weight is None
        else nn.Parameter(head_weight)
    )
    return head


def _read_weights(folder: Path, *, dtype: torch.dtype) -> dict[str, Tensor]:
    index = folder / "model.safetensors.index.json"
    names = ["model.safetensors"]
    if index.is_file():
        names = sorted(set(json.loads(index.read_text(encoding="utf-8"))["weight_map"].values()))
    return {
        # torchtune's norms compute in fp32: with weights of another format they warn and are slow.
        key: value.to(torch.float32 if "norm" in key else dtype)
        for name in names
        for key, value in load_file(folder / name).items()
    }


def _add_first_values(decoder: TransformerDecoder, *, seed: int) -> None:
    """Give the adapters their first values and make them trainable."""
    torch.manual_seed(seed)
    for layer in decoder.layers:
        for name in MODULE_OF_TARGET.values():
            adapted = layer.get_submodule(name)
            if not isinstance(adapted, LoRALinear):
                continue
            adapted.to_empty(device="cpu")
            # PEFT draws A and B as plain linear layers and then A again: three draws here too.
            adapted.lora_a.reset_parameters()
            adapted.lora_b.reset_parameters()
            adapted.initialize_parameters()
            adapted.lora_a.requires_grad_(requires_grad=True)
            adapted.lora_b.requires_grad_(requires_grad=True)


def _save_adapter(
    target: Path,
    values: Mapping[str, Tensor],
    config: LlamaConfig,
    method: MethodConfig,
    *,
    base: Path,
) -> None:
    """Write the adapter as PEFT does."""
    adapter = tune_to_peft_adapter_weights(dict(values), **converter_shape(config))
    _save(adapter, target / "adapter_model")
    LoraConfig(
        r=method.rank,
        lora_alpha=method.alpha,
        lora_dropout=method.dropout,
        target_modules=list(method.targets),
        layers_to_transform=list(range(method.first_layer, config.num_hidden_layers)),
        task_type="CAUSAL_LM",
        base_model_name_or_path=str(base.resolve()),
        inference_mode=True,
    ).save_pretrained(str(target))


def _save_full(
    target: Path, weights: Mapping[str, Tensor], config: LlamaConfig, *, base: Path
) -> None:
    """Write the whole model as Transformers does, in one file."""
    values = {"output.weight" if k == "head.weight" else k: v for k, v in weights.items()}
    _save(tune_to_hf(values, **converter_shape(config)), target / "model")
    config.dtype = "float32"
    config.save_pretrained(str(target))
    generation = base / "generation_config.json"
    if generation.is_file():
        shutil.copy(generation, target)


def _save(tensors: Mapping[str, Tensor], path: Path) -> None:
    plain = {name: value.cpu().contiguous() for name, value in tensors.items()}
    save_file(plain, path.with_suffix(".safetensors"), metadata={"format": "pt"})
