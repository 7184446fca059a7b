"""Makes ``trl_dpo.json``: what TRL's own DPOTrainer says about pairs on a tiny Llama.

Runs where TRL is installed; it knows nothing of lokal, which the tests compare with its figures:

    python tests/training/make_trl_figures.py
"""

import json
import sys
import tempfile
from pathlib import Path

import torch
import transformers
import trl  # pyright: ignore[reportMissingImports]
from datasets import Dataset
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast
from trl import DPOConfig, DPOTrainer  # pyright: ignore[reportMissingImports]

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

from trl_pairs import LOSSES, NUM_STEPS, PAIRS, TINY, fill_weights, make_tokenizer  # noqa: E402


def model(seed: int) -> LlamaForCausalLM:
    made = LlamaForCausalLM(LlamaConfig(**TINY))
    fill_weights(made, seed=seed)
    return made


def trainer(tokenizer: PreTrainedTokenizerFast, **settings: object) -> DPOTrainer:
    config = DPOConfig(
        output_dir=tempfile.mkdtemp(), use_cpu=True, bf16=False, fp16=False, report_to=[],
        per_device_train_batch_size=len(PAIRS), gradient_checkpointing=False, max_length=None,
        learning_rate=1e-3, lr_scheduler_type="constant", warmup_steps=0, adam_beta2=0.95,
        weight_decay=0.0, max_grad_norm=1.0, max_steps=NUM_STEPS, logging_steps=1,
        disable_tqdm=True, save_strategy="no", dataloader_num_workers=0, seed=0, **settings,
    )  # fmt: skip
    rows = [dict(zip(("prompt", "chosen", "rejected"), pair, strict=True)) for pair in PAIRS]
    return DPOTrainer(
        model=model(1), ref_model=model(2), args=config, train_dataset=Dataset.from_list(rows),
        processing_class=tokenizer,
    )  # fmt: skip


def main() -> None:
    tokenizer = make_tokenizer()
    figures: dict[str, object] = {
        "made_by": "python tests/training/make_trl_figures.py",
        "versions": {"trl": trl.__version__, "transformers": transformers.__version__,
                     "torch": torch.__version__},
    }  # fmt: skip
    for name, loss in LOSSES.items():
        asked = trainer(tokenizer, **loss["trl"])
        asked.model.eval()
        rows = [asked.train_dataset[place] for place in range(len(PAIRS))]
        batches = [asked.data_collator([row]) for row in rows]
        with torch.no_grad():
            losses = [float(asked.compute_loss(asked.model, dict(batch))) for batch in batches]
        rewards = {
            key: asked._metrics["eval"][f"rewards/{key}"]
            for key in ("chosen", "rejected", "margins", "accuracies")
        }
        figures[name] = {"losses": losses, "rewards": rewards}
        if name == "sigmoid":
            figures["rows"] = [_rows(batch) for batch in batches]
            figures["curve"] = _curve(asked)
    lines = ",\n".join(f"{json.dumps(key)}: {json.dumps(value)}" for key, value in figures.items())
    (HERE / "trl_dpo.json").write_text(f"{{\n{lines}\n}}\n", encoding="utf-8")


def _rows(batch: dict[str, torch.Tensor]) -> list[dict[str, list[int]]]:
    """Return ids and trained flags of a pair, padding left out."""
    return [
        {"ids": ids[seen.bool()].tolist(), "trained": trained[seen.bool()].tolist()}
        for ids, seen, trained in zip(
            batch["input_ids"], batch["attention_mask"], batch["completion_mask"], strict=True
        )
    ]


def _curve(asked: DPOTrainer) -> list[float]:
    """Train, and return the loss of each step before its update."""
    losses: list[float] = []
    compute = asked.compute_loss

    def keep(*words: object, **named: object) -> torch.Tensor:
        loss = compute(*words, **named)
        losses.append(float(loss))
        return loss

    asked.compute_loss = keep
    asked.train()
    return losses


if __name__ == "__main__":
    main()
