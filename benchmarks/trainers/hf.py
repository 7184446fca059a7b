"""TRL's SFTTrainer and Transformers' Trainer on the benchmark's rows: ``python hf.py JOB.json``.

Runs in the peers' environment, so it knows nothing of lokal. It writes what it measured as JSON to
the job's ``result``.
"""

import itertools
import json
import sys
import time
from pathlib import Path

import torch
from datasets import Dataset
from peft import LoraConfig, get_peft_model
from transformers import (
    AutoModelForCausalLM,
    AutoTokenizer,
    DataCollatorForSeq2Seq,
    Trainer,
    TrainerCallback,
    TrainingArguments,
)


class StepClock(TrainerCallback):
    """The end of each optimizer step, in seconds and in seconds of the processors."""

    def __init__(self) -> None:
        self.ends = [(time.perf_counter(), time.process_time())]

    def on_step_end(self, *_: object, **__: object) -> None:
        """Note the time; the Trainer calls it."""
        self.ends.append((time.perf_counter(), time.process_time()))


class CountingCollator:
    """A collator that also notes the rows' tokens, padding left out, of each batch."""

    def __init__(self, collator) -> None:  # noqa: ANN001  any of three libraries' collators
        self._collator = collator
        self.tokens: list[int] = []

    def __call__(self, features: list[dict]) -> dict:
        """Return the collator's batch."""
        self.tokens.append(sum(len(feature["input_ids"]) for feature in features))
        return self._collator(features)


def main() -> None:
    """Train as the job says."""
    job = json.loads(Path(sys.argv[1]).read_text())
    torch.set_num_threads(job["threads"])
    rows = [json.loads(line) for line in Path(job["rows"]).read_text().splitlines()]
    clock = StepClock()
    trainer = make_trainer(job, Dataset.from_list(rows), clock)
    counter = CountingCollator(trainer.data_collator)
    trainer.data_collator = counter
    trainer.train()
    losses = [line["loss"] for line in trainer.state.log_history if "loss" in line]
    result = {
        "step_seconds": [b[0] - a[0] for a, b in itertools.pairwise(clock.ends)],
        "step_processor_seconds": [b[1] - a[1] for a, b in itertools.pairwise(clock.ends)],
        "step_tokens": counter.tokens[: len(clock.ends) - 1],
        "losses": losses,
    }
    Path(job["result"]).write_text(json.dumps(result))


def make_trainer(job: dict, rows: Dataset, clock: StepClock) -> Trainer:
    """Return the trainer that the job names."""
    settings = {
        "output_dir": job["folder"],
        "per_device_train_batch_size": 1 if job["packed"] else job["rows_per_step"],
        "num_train_epochs": 1,
        "learning_rate": job["lr"],
        "lr_scheduler_type": "cosine",
        "bf16": job["precision"] == "bf16",
        "gradient_checkpointing": job["checkpointing"],
        "logging_steps": 1,
        "save_strategy": "no",
        "report_to": "none",
        "use_cpu": True,
        "seed": 0,
        "dataloader_pin_memory": False,
        "disable_tqdm": True,
    }
    is_lora = job["method"] == "lora"
    lora = LoraConfig(
        r=job["rank"], lora_alpha=job["alpha"], target_modules=job["targets"], task_type="CAUSAL_LM"
    )
    # The frozen weights of LoRA in the precision of the products; trained weights in fp32.
    dtype = torch.bfloat16 if is_lora and job["precision"] == "bf16" else torch.float32
    model = AutoModelForCausalLM.from_pretrained(job["model"], dtype=dtype)
    tokenizer = AutoTokenizer.from_pretrained(job["model"])
    if job["trainer"] == "trl":
        from trl import SFTConfig, SFTTrainer  # pyright: ignore[reportMissingImports]

        if job["packed"]:
            settings |= {"packing": True, "max_length": job["pack_tokens"]}
        return SFTTrainer(
            model,
            args=SFTConfig(**settings),
            train_dataset=rows,
            processing_class=tokenizer,
            peft_config=lora if is_lora else None,
            callbacks=[clock],
        )
    if is_lora:
        model = get_peft_model(model, lora)
    return Trainer(
        model,
        args=TrainingArguments(**settings),
        train_dataset=rows,
        data_collator=DataCollatorForSeq2Seq(tokenizer, padding=True),
        callbacks=[clock],
    )


if __name__ == "__main__":
    main()
