"""torchtune's own single-device recipes on the benchmark's rows: ``python tune.py JOB.json``.

Runs in torchtune's environment (0.6.1 with torchao 0.15), so it knows nothing of lokal. The model
is its Llama 3.2 builder with this checkpoint's sizes: its scaled rotary embedding differs in
constants only. The components that a recipe's config names stand in this file, beside ``main``.
"""

import importlib.util
import itertools
import json
import sys
import time
from pathlib import Path

from omegaconf import OmegaConf

ENDS = [(time.perf_counter(), time.process_time())]
BATCHES: list[int] = []


class Pad:
    """In place of a tokenizer: rows come encoded."""

    def __init__(self, pad_id: int) -> None:
        self.pad_id = pad_id


class StepLogger:
    """In place of a metric logger: keeps the loss, and when each step ended."""

    losses: list[float] = []  # noqa: RUF012  one run a process

    def log_config(self, *_: object) -> None:
        """Nothing to keep."""

    def log_dict(self, payload: dict, **_: object) -> None:
        """Keep a step."""
        ENDS.append((time.perf_counter(), time.process_time()))
        self.losses.append(float(payload["loss"]))

    def close(self) -> None:
        """Nothing is open."""


def rows(_tokenizer: Pad, path: str) -> list[dict]:
    """Return the dataset."""
    lines = [json.loads(line) for line in Path(path).read_text().splitlines()]
    return [{"tokens": line["input_ids"], "labels": line["labels"]} for line in lines]


def collate(batch: list[dict], padding_idx: int = 0, ignore_idx: int = -100) -> dict:
    """Return torchtune's padded batch, and note its tokens."""
    from torchtune.data import padded_collate_sft

    BATCHES.append(sum(len(row["tokens"]) for row in batch))
    return padded_collate_sft(batch, padding_idx=padding_idx, ignore_idx=ignore_idx)


def main() -> None:
    """Train as the job says."""
    job = json.loads(Path(sys.argv[1]).read_text())
    sys.modules["tune"] = sys.modules["__main__"]  # the recipe finds the components by this name
    import torch

    torch.set_num_threads(job["threads"])
    kind = "LoRAFinetuneRecipeSingleDevice" if job["method"] == "lora" else None
    name = "lora_finetune_single_device" if kind else "full_finetune_single_device"
    recipe_class = getattr(load_recipe(name), kind or "FullFinetuneRecipeSingleDevice")
    config = OmegaConf.create(recipe_config(job))
    recipe = recipe_class(cfg=config)
    recipe.setup(cfg=config)
    recipe.save_checkpoint = lambda **_: None  # saving is not measured of anyone
    recipe.train()
    result = {
        "step_seconds": [b[0] - a[0] for a, b in itertools.pairwise(ENDS)],
        "step_processor_seconds": [b[1] - a[1] for a, b in itertools.pairwise(ENDS)],
        "step_tokens": BATCHES[: len(ENDS) - 1],
        "losses": StepLogger.losses,
    }
    Path(job["result"]).write_text(json.dumps(result))


def load_recipe(name: str):  # noqa: ANN201  a module
    """Return a recipe's module: torchtune keeps them in a folder that is no package."""
    import torchtune

    file = Path(torchtune.__file__).parent.parent / "recipes" / f"{name}.py"
    spec = importlib.util.spec_from_file_location(name, file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def recipe_config(job: dict) -> dict:
    """Return the recipe's config: its shipped one for Llama 3.2 1B, with the job's values."""
    shape = json.loads((Path(job["model"]) / "config.json").read_text())
    model = {
        "_component_": "torchtune.models.llama3_2.llama3_2",
        "vocab_size": shape["vocab_size"],
        "num_layers": shape["num_hidden_layers"],
        "num_heads": shape["num_attention_heads"],
        "num_kv_heads": shape["num_key_value_heads"],
        "embed_dim": shape["hidden_size"],
        "max_seq_len": 2048,
        "intermediate_dim": shape["intermediate_size"],
        "norm_eps": shape["rms_norm_eps"],
        "rope_base": 100_000,
    }
    if job["method"] == "lora":
        model |= {
            "_component_": "torchtune.models.llama3_2.lora_llama3_2",
            "lora_attn_modules": ["q_proj", "k_proj", "v_proj", "output_proj"],
            "apply_lora_to_mlp": True,
            "lora_rank": job["rank"],
            "lora_alpha": job["alpha"],
        }
    return {
        "output_dir": job["folder"],
        "model": model,
        "tokenizer": {"_component_": "tune.Pad", "pad_id": 2},
        "checkpointer": {
            "_component_": "torchtune.training.FullModelHFCheckpointer",
            "checkpoint_dir": job["model"],
            "checkpoint_files": ["model.safetensors"],
            "recipe_checkpoint": None,
            "output_dir": job["folder"],
            "model_type": "LLAMA3_2",
        },
        "resume_from_checkpoint": False,
        "dataset": {"_component_": "tune.rows", "path": job["rows"]},
        "collate_fn": "tune.collate",
        "seed": 0,
        "shuffle": True,
        "batch_size": job["rows_per_step"],
        "optimizer": {"_component_": "torch.optim.AdamW", "fused": True, "lr": job["lr"]},
        "optimizer_in_bwd": False,
        "lr_scheduler": {
            "_component_": "torchtune.training.lr_schedulers.get_cosine_schedule_with_warmup",
            "num_warmup_steps": 1,
        },
        "loss": {"_component_": "torchtune.modules.loss.CEWithChunkedOutputLoss"},
        "epochs": 1,
        "max_steps_per_epoch": None,
        "gradient_accumulation_steps": 1,
        "clip_grad_norm": 1.0,
        "compile": False,
        "metric_logger": {"_component_": "tune.StepLogger"},
        "log_every_n_steps": 1,
        "log_peak_memory_stats": False,
        "device": "cpu",
        "dtype": job["precision"],
        "enable_activation_checkpointing": job["checkpointing"],
        "enable_activation_offloading": False,
    }


if __name__ == "__main__":
    main()
