"""The finished model folder: weights, tokenizer, card, and the manifest that makes it one."""

import resource
import shutil
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

import torch
import torch.distributed as dist
from torch import Tensor
from transformers import PreTrainedTokenizerBase

from ..data.checkpoint_folder import checkpoint_identity, config_file
from ..data.config import as_json
from ..data.corpus_sources import count_sources
from ..data.licence import find_licence, write_licence_files
from ..data.manifest import (
    Json,
    Manifest,
    read_manifest,
    record_input,
    sha256_of_json,
    write_manifest,
)
from ..data.progress import say
from .adapter_file import order_adapter_config
from .card import model_card
from .finetune_config import FinetuneConfig
from .ledger import (
    HELDOUT_NAME,
    METRICS_NAME,
    HeldoutRecord,
    SkipRecord,
    StepRecord,
    read_lines,
)
from .precision import choose_dtype
from .stack import TrainableModel

_OF_THE_TOKENS = ("tokens_by_source", "mix")
"""What the token folder counted and the card tells."""


def write_model_folder(
    config: FinetuneConfig,
    model: TrainableModel,
    weights: Mapping[str, Tensor],
    tokenizer: PreTrainedTokenizerBase,
    *,
    num_steps: int,
    checkpoint: Path,
    key: str,
    started_at: datetime,
) -> None:
    """Write the model folder beside its place, then move it there."""
    temporary = config.run_folder / ".model.tmp"
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir(parents=True)
    model.save(temporary, weights)
    order_adapter_config(temporary)
    tokenizer.save_pretrained(temporary)
    tokens = read_manifest(config.tokens_folder)
    assert tokens is not None
    counts = _counts(config, num_steps)
    counts |= {name: tokens.counts[name] for name in _OF_THE_TOKENS if name in tokens.counts}
    write_licence_files(temporary, parent=checkpoint, licence=find_licence(config.model.licence))
    card = _card(config, checkpoint, tokens, counts)
    (temporary / "README.md").write_text(card, encoding="utf-8")
    write_manifest(
        temporary,
        recipe="finetune",
        key=key,
        config=as_json(config),
        inputs=[*config.corpus_paths, config.tokens_folder, config_file(checkpoint)],
        counts=counts,
        licences=[*tokens.licences, config.model.licence],
        seeds={"seed": config.seed},
        started_at=started_at,
        finished_at=datetime.now(UTC),
    )
    shutil.rmtree(config.model_folder, ignore_errors=True)
    temporary.rename(config.model_folder)
    say(
        "train",
        f"loss {counts['first_loss']:.3f} to {counts['last_loss']:.3f}; "
        f"wrote {config.model_folder}",
    )


def _card(
    config: FinetuneConfig, checkpoint: Path, tokens: Manifest, counts: Mapping[str, Json]
) -> str:
    hashes = {
        f"manifest of corpus {number}": record_input(corpus).sha256
        for number, corpus in enumerate(config.corpus_paths, start=1)
    }
    hashes["settings and inputs of the token rows"] = tokens.key
    hashes["files of the parent"] = sha256_of_json(checkpoint_identity(checkpoint))
    data = count_sources(config.corpus_paths, config.sources)
    return model_card(config, counts=counts, data=data, hashes=hashes, measured=_measured(config))


def _measured(config: FinetuneConfig) -> list[str]:
    """Return a line for each language on the held-out rows, before the first step and at last."""
    looks = cast("list[HeldoutRecord]", list(read_lines(config.run_folder / HELDOUT_NAME)))
    if not looks:
        return []
    first, last = looks[0]["bits_per_byte"], looks[-1]["bits_per_byte"]
    return [
        f"Held-out bits per byte in {language}: {first[language]:.4f} before the first step, "
        f"{last[language]:.4f} after the last"
        for language in sorted(first.keys() & last.keys())
    ]


def _counts(config: FinetuneConfig, num_steps: int) -> dict[str, Json]:
    """Return the run's figures; from the ledger, since a resumed process saw only its own part."""
    lines = cast(
        "list[StepRecord | SkipRecord]", list(read_lines(config.run_folder / METRICS_NAME))
    )
    records = [line for line in lines if "loss" in line]
    return {
        "steps": num_steps,
        "skipped_steps": len(lines) - len(records),
        "tokens": sum(record["tokens"] for record in records),
        "trained_tokens": sum(record["trained_tokens"] for record in records),
        "first_loss": records[0]["loss"],
        "last_loss": records[-1]["loss"],
        "processes": dist.get_world_size() if dist.is_initialized() else 1,
        "threads_per_process": torch.get_num_threads(),
        "dtype": str(choose_dtype(config.training.precision)).removeprefix("torch."),
        "peak_memory_mb_of_first_process": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        // 1024,
    }
