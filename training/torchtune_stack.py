"""``stack=torchtune``: a Llama of torchtune's building blocks, with torchtune's adapters.

torchtune keeps the rows of q and k in Meta's order, Transformers in another: its own converters
permute them on the way in and back on the way out, so that what is saved opens anywhere.
"""

# B rows, T tokens, N trained positions, D hidden size

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor, nn
from transformers import LlamaConfig

from ..data.batches import Batch
from ..data.errors import UserError
from .loss import cross_entropies
from .settings import MethodConfig, MethodKind
from .stack import TrainableModel
from .token_weights import apply_token_weights, choose_token_weights, token_lr_factors
from .torchtune_compat import DoRALinear, LoRALinear, TransformerDecoder
from .torchtune_decoder import MODULE_OF_TARGET, build_decoder
from .torchtune_save import save_adapter, save_full
from .torchtune_weights import TorchtuneCheckpoint, open_checkpoint


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
    """Return the folder's Llama with adapters, or with its own weights trainable.

    The same seed gives the adapters the same first values as ``stack=hf``.

    Raises:
        UserError: torchtune cannot build this model, or the method does not fit it.
    """
    checkpoint = open_checkpoint(folder)
    config = checkpoint.config
    _check_fits(config, method, folder)
    chosen = choose_token_weights(method, is_tied=config.tie_word_embeddings, folder=folder)
    decoder = build_decoder(config, method, folder)
    head = _load_weights(
        decoder,
        checkpoint,
        folder,
        dtype=dtype if method.is_adapter else torch.float32,
        four_bit=method.kind is MethodKind.qlora,
    )
    module = _Losses(decoder, head, dtype)
    if method.is_adapter:
        module.requires_grad_(requires_grad=False)
        _add_first_values(decoder, seed=seed)
    else:
        for layer in decoder.layers[: method.first_layer]:
            layer.requires_grad_(requires_grad=False)
    apply_token_weights(decoder.tok_embeddings, head, chosen)
    factors = token_lr_factors(
        method, chosen, embedding="decoder.tok_embeddings.weight", head="head.weight"
    )

    def save(target: Path, weights: Mapping[str, Tensor]) -> None:
        values = {name.removeprefix("decoder."): value for name, value in weights.items()}
        if method.is_adapter:
            save_adapter(target, values, config, method, chosen=chosen, base=folder)
        else:
            save_full(target, values, config, chosen=chosen, base=folder)

    return TrainableModel(
        module=module,
        layers=list(decoder.layers),
        save=save,
        shares_prefix=False,
        saves_all=not method.is_adapter,
        max_positions=config.max_position_embeddings,
        lr_factors=factors,
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
    decoder: TransformerDecoder,
    checkpoint: TorchtuneCheckpoint,
    folder: Path,
    *,
    dtype: torch.dtype,
    four_bit: bool,
) -> nn.Linear:
    """Fill the decoder from the checkpoint; return the head, tied if the config says so.

    Raises:
        UserError: a weight is missing.
    """
    config = checkpoint.config
    weights = dict(checkpoint.weights(dtype=dtype, four_bit=four_bit))
    head_weight = weights.pop("output.weight", None)
    # assign: the tensors become the parameters, so that nothing is held twice.
    missing = decoder.load_state_dict(weights, strict=False, assign=True).missing_keys
    missing = [name for name in missing if not _is_adapters(name)]
    if head_weight is None and not config.tie_word_embeddings:
        missing.append("output.weight")
    if missing:
        raise UserError(f"{folder} lacks the weight {missing[0]}: fetch or convert it again")
    for module in decoder.modules():
        if four_bit and isinstance(module, LoRALinear):
            module._quantize_base = True
    head = nn.Linear(config.hidden_size, config.vocab_size, bias=False, device="meta")
    head.weight = (
        decoder.tok_embeddings.weight
        if config.tie_word_embeddings or head_weight is None
        else nn.Parameter(head_weight)
    )
    return head


def _is_adapters(name: str) -> bool:
    return ".lora_" in name or name.endswith(".magnitude")


def _add_first_values(decoder: TransformerDecoder, *, seed: int) -> None:
    """Give the adapters their first values and make them trainable."""
    torch.manual_seed(seed)
    for layer in decoder.layers:
        for name in MODULE_OF_TARGET.values():
            adapted = layer.get_submodule(name)
            if not isinstance(adapted, LoRALinear | DoRALinear):
                continue
            adapted.to_empty(device="cpu")
            # PEFT draws A and B as plain linear layers and then A again: three draws here too.
            adapted.lora_a.reset_parameters()
            adapted.lora_b.reset_parameters()
            adapted.initialize_parameters()
            adapted.lora_a.requires_grad_(requires_grad=True)
            adapted.lora_b.requires_grad_(requires_grad=True)
            if isinstance(adapted, DoRALinear):
                # torchtune's own way measures it in the weight's format, PEFT in fp32.
                lengths = torch.linalg.norm(adapted.get_parameter("weight").detach().float(), dim=1)
                adapted.magnitude = nn.Parameter(lengths)
