"""Writes a finished model in the form that others open, loads it again and compares it."""

import json
import shutil
from datetime import UTC, datetime
from pathlib import Path

import torch
from peft import PeftModel
from transformers import AutoTokenizer

from ..data.base_model import ModelSource
from ..data.config import as_json
from ..data.errors import RunError, UserError
from ..data.licence import copy_licence_files
from ..data.manifest import write_json, write_manifest
from ..data.progress import say
from .export_config import ExportConfig, ExportForm, WeightFormat
from .replies import Difference, Replies, ask, compare, make_prompts
from .trained_model import (
    ADAPTER_CONFIG,
    ADAPTER_WEIGHTS,
    TrainedModel,
    load_llama,
    merge,
    open_adapter,
)

_TOLERANCE = 1e-4
"""Largest difference of a logit in fp32, as a part of the largest logit, between what was trained
and what was written. Merging changes the order of sums: SmolLM2-135M moves by 6e-6, a lost head or
adapter by 1e-2 and more."""
_CARD = "README.md"


def export(config: ExportConfig, *, key: str) -> None:
    """Write the export beside its place, load it again, compare it, then move it there.

    Raises:
        UserError: the model folder is not what ``finetune`` leaves, or has no adapter to export.
        RunError: what was written does not say the same as what was trained.
    """
    started_at = datetime.now(UTC)
    trained = TrainedModel.open(config.checkpoint_path)
    temporary = config.folder.with_name(f".{config.folder.name}.tmp")
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir(parents=True)
    say("export", f"reads {trained.folder}, writes {config.folder}")
    try:
        difference = _write_and_compare(config, trained, temporary)
        _write_card(config, trained, temporary, difference)
        write_manifest(
            temporary,
            recipe="export",
            key=key,
            # The model's own settings, so that an evaluation knows what it reads.
            config={**trained.manifest.config, "export": as_json(config)},
            inputs=[trained.folder],
            counts={**trained.manifest.counts, "export": dict(difference._asdict())},
            licences=trained.manifest.licences,
            seeds=trained.manifest.seeds,
            started_at=started_at,
            finished_at=datetime.now(UTC),
        )
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise
    shutil.rmtree(config.folder, ignore_errors=True)
    temporary.rename(config.folder)
    say("export", f"{_told(config, difference)}; wrote {config.folder}")


def _write_and_compare(config: ExportConfig, trained: TrainedModel, target: Path) -> Difference:
    """Write weights and tokenizer; return how the replies of both models differ."""
    tokenizer = AutoTokenizer.from_pretrained(trained.folder, local_files_only=True)
    tokenizer.save_pretrained(target)
    prompts = make_prompts(tokenizer, config.num_prompts)
    model = trained.load()
    before = ask(model, tokenizer, prompts, max_new_tokens=config.max_new_tokens)
    if config.to is ExportForm.adapter:
        _write_adapter(trained, target)
        del model  # two copies of a large model need not fit side by side
        assert trained.parent is not None
        again = open_adapter(target, trained.parent)
    else:
        llama = model
        if isinstance(model, PeftModel):
            llama = merge(model, saved_modules=trained.saved_modules())
        if config.dtype is WeightFormat.bf16:
            torch.nn.Module.to(llama, torch.bfloat16)
        llama.save_pretrained(str(target))
        _copy_generation_config(trained, target)
        del model, llama
        again = load_llama(target)
    after = ask(again, tokenizer, prompts, max_new_tokens=config.max_new_tokens)
    return _checked(config, before, after)


def _checked(config: ExportConfig, before: Replies, after: Replies) -> Difference:
    difference = compare(before, after)
    if config.dtype is WeightFormat.bf16:
        return difference
    if not difference.max_share <= _TOLERANCE:  # so that NaN is refused
        raise RunError(
            f"the export says something else than what was trained ({_told(config, difference)}; "
            f"allowed is {_TOLERANCE:g}): nothing was written"
        )
    if difference.num_equal_texts < difference.num_prompts:
        say("export", "WARNING some replies differ: two tokens were as good as equally likely")
    return difference


def _write_adapter(trained: TrainedModel, target: Path) -> None:
    """Copy the adapter; it names its parent as the Hub does, where that is where it came from."""
    if trained.parent is None:
        raise UserError(f"{trained.folder} holds whole weights, no adapter: take to=merged")
    shutil.copyfile(trained.folder / ADAPTER_WEIGHTS, target / ADAPTER_WEIGHTS)
    adapter = json.loads((trained.folder / ADAPTER_CONFIG).read_text(encoding="utf-8"))
    model = trained.manifest.config["model"]
    assert isinstance(model, dict)
    if model["source"] == ModelSource.hub.name:
        adapter |= {"base_model_name_or_path": model["path"], "revision": model["revision"]}
    write_json(target / ADAPTER_CONFIG, adapter)


def _copy_generation_config(trained: TrainedModel, target: Path) -> None:
    """Keep the parent's own: it names every token that ends a turn."""
    name = "generation_config.json"
    source = (trained.parent or trained.folder) / name
    if source.is_file():
        shutil.copyfile(source, target / name)


def _write_card(
    config: ExportConfig, trained: TrainedModel, target: Path, difference: Difference
) -> None:
    """Carry the card and the licence texts over, with what was measured of the export."""
    copy_licence_files(trained.folder, target)
    card = (trained.folder / _CARD).read_text(encoding="utf-8")
    if config.to is ExportForm.merged:
        card = card.replace("library_name: peft", "library_name: transformers", 1)
        card = card.replace("base_model_relation: adapter", "base_model_relation: finetune", 1)
    section = (
        f"## Export\n\n- Form: {config.to.name}, {config.dtype.name}\n"
        f"- Loaded again and compared: {_told(config, difference)}\n\n"
    )
    before, licences, after = card.partition("## Licences")
    (target / _CARD).write_text(f"{before}{section}{licences}{after}", encoding="utf-8")


def _told(config: ExportConfig, difference: Difference) -> str:
    what = "rounding moves" if config.dtype is WeightFormat.bf16 else "merging moves"
    return (
        f"{what} logits by {difference.max_logit:.2g} at most ({difference.max_share:.1g} of the "
        f"largest), {difference.num_equal_texts} of {difference.num_prompts} greedy replies of "
        f"{config.max_new_tokens} tokens are the same"
    )
