"""Small models and batches that several tests of the stacks share."""

from pathlib import Path

import torch
from lokal.data.batches import Batch
from lokal.training.settings import MethodConfig, MethodKind, TrainingConfig
from lokal.training.stack import TrainableModel
from lokal.training.strategy import SingleStrategy, copies
from transformers import LlamaConfig, LlamaForCausalLM

TARGETS = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
LLAMA_3_1_ROPE = {
    "rope_type": "llama3",
    "rope_theta": 500_000.0,
    "factor": 8.0,
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
    "original_max_position_embeddings": 32,
}
IDS_BT = torch.arange(2 * 120).reshape(2, 120) % 300


def make_llama(folder: Path, **changes: object) -> Path:
    torch.manual_seed(0)
    settings: dict[str, object] = {
        "vocab_size": 300,
        "hidden_size": 64,
        "intermediate_size": 96,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "max_position_embeddings": 256,
        "tie_word_embeddings": True,
    }
    LlamaForCausalLM(LlamaConfig.from_dict(settings | changes)).save_pretrained(folder)
    return folder


def make_method(kind: MethodKind, **changes: object) -> MethodConfig:
    targets = [] if kind is MethodKind.full else TARGETS
    settings: dict[str, object] = {"rank": 4, "alpha": 8, "targets": targets}
    return MethodConfig(kind=kind, **(settings | changes))  # pyright: ignore[reportArgumentType]


def make_batch() -> Batch:
    """Return two rows of 40 tokens, every third of which is trained."""
    at_N = torch.arange(0, 79, 3)
    return Batch(
        prefix_P=torch.tensor([], dtype=torch.long),
        ids_BT=IDS_BT[:, :40],
        positions_BT=torch.arange(40).repeat(2, 1),
        mask_BTS=None,
        target_at_N=at_N,
        targets_N=(at_N * 7) % 300,
        group_N=torch.zeros_like(at_N),
        lengths=((40,), (40,)),
    )


def save(model: TrainableModel, target: Path) -> Path:
    target.mkdir(parents=True, exist_ok=True)
    model.save(target, copies(model.saved()))
    return target


def logits_of(model: TrainableModel, ids_BT: torch.Tensor) -> torch.Tensor:
    """Return the live model's logits, whichever stack built it."""
    module = model.module.eval()
    with torch.no_grad():
        if hasattr(module, "llama"):
            return module.get_submodule("llama")(ids_BT).logits
        return module.get_submodule("head")(module.get_submodule("decoder")(ids_BT))


def train(model: TrainableModel, batches: list[Batch], *, lr: float = 0.01) -> list[float]:
    config = TrainingConfig(lr=lr)
    strategy = SingleStrategy(model, config)
    losses: list[float] = []
    model.module.train()
    for batch in batches:
        weight = 1 / len(batch.targets_N)
        losses_N = strategy.accumulate(batch, weight=weight, is_last=True)
        losses.append(float(losses_N.sum()) * weight)
        strategy.step(lr=config.lr)
    return losses
