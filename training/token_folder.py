"""The token folder of a run: corpora encoded, mixed and packed once, for every process."""

import shutil
from datetime import UTC, datetime
from pathlib import Path

from transformers import PreTrainedTokenizerBase

from ..data.config import as_json
from ..data.manifest import (
    Json,
    is_done,
    require_whole,
    sha256_of_json,
    work_key,
    write_manifest,
)
from ..data.mix import MixConfig, plan_mix
from ..data.mix_rows import Portion, mix_rows, supplies_of
from ..data.original_tokenizer import tokenizer_folder
from ..data.packing import best_fit
from ..data.progress import say
from ..data.stage_kind import StageKind
from ..data.tokens import TokenCounts, TokenRows, write_order, write_tokens
from .finetune_config import FinetuneConfig
from .settings import Layout


def make_token_folder(
    config: FinetuneConfig, checkpoint: Path, tokenizer: PreTrainedTokenizerBase
) -> None:
    """Encode, mix and pack; a folder that is finished with the same settings stays.

    Raises:
        UserError: a corpus is unfinished, a source is missing, or the mix cannot be met.
    """
    folder, corpora = config.tokens_folder, config.corpus_paths
    settings = _settings(config, tokenizer)
    key = work_key("tokens", settings, [*corpora, tokenizer_folder(checkpoint) / "tokenizer.json"])
    if is_done(folder, key=key, overwrite=True):
        return
    manifests = [require_whole(corpus) for corpus in corpora]
    say("tokens", f"reads {', '.join(map(str, corpora))}, writes {folder}")
    started_at = datetime.now(UTC)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    counts = write_tokens(
        folder,
        corpora,
        tokenizer,
        sources=config.sources,
        max_tokens=config.tokens.max_tokens,
        stage=config.stage.kind,
        plain_text=config.stage.plain_text,
        max_too_long_share=config.tokens.max_too_long_share,
    )
    _say_counts(counts)
    mixed = _mix(config, config.mix, folder) if config.mix.enabled else {}
    if config.tokens.layout is Layout.packed:
        lengths = TokenRows.open(folder).lengths()
        best_fit(lengths, pack_tokens=config.tokens.max_tokens).write(folder)
    licences = {licence: None for manifest in manifests for licence in manifest.licences}
    write_manifest(
        folder,
        recipe="tokens",
        key=key,
        config=settings,
        inputs=corpora,
        counts={
            **counts._asdict(), "tokens_by_source": dict(counts.tokens_by_source), **mixed
        },
        licences=list(licences),
        started_at=started_at,
        finished_at=datetime.now(UTC),
    )  # fmt: skip


def _settings(config: FinetuneConfig, tokenizer: PreTrainedTokenizerBase) -> dict[str, Json]:
    """Return what the rows depend on, beside the corpora and the tokenizer's file."""
    sources: dict[str, Json] = dict(config.sources)
    settings: dict[str, Json] = {
        "stage": config.stage.kind.name,
        "plain_text": config.stage.plain_text,
        "sources": sources,
        "max_tokens": config.tokens.max_tokens,
        "template": sha256_of_json(str(tokenizer.chat_template)),
        # Where replies end, and so what is masked.
        "special_tokens": sha256_of_json(" ".join(sorted(map(str, tokenizer.all_special_tokens)))),
    }
    if config.tokens.layout is Layout.packed:
        settings["pack_tokens"] = config.tokens.max_tokens
    if config.mix.enabled:
        mix = as_json(config.mix)
        del mix["folders"]  # known by their manifests
        settings |= {
            "mix": mix,
            "region": config.region.code,
            "seed": config.seed,
            "epochs": config.training.epochs,
        }
        settings["region_mix"] = dict(config.region.mix)
    return settings


def _mix(config: FinetuneConfig, mix: MixConfig, folder: Path) -> dict[str, Json]:
    """Choose the rows of an epoch, and return what each source gives, for the manifest."""
    rows = TokenRows.open(folder)
    rations = plan_mix(
        supplies_of(rows),
        mix,
        default=config.region.mix,
        language=config.region.code,
        epochs=config.training.epochs,
    )
    rows_together = 2 if config.stage.kind is StageKind.dpo else 1
    mixed = mix_rows(rows, rations, seed=config.seed, rows_together=rows_together)
    write_order(folder, mixed.order)
    total = sum(portion.tokens for portion in mixed.portions)
    for portion in mixed.portions:
        say("mix", _portion_line(portion, total=total))
    return {"mix": [dict(portion._asdict()) for portion in mixed.portions], "mix_tokens": total}


def _portion_line(portion: Portion, *, total: int) -> str:
    return (
        f"{portion.language} {portion.source}: {portion.tokens:,} tokens "
        f"({portion.tokens / total:.1%} of the epoch; asked {portion.asked:,}), "
        f"{portion.rows:,} rows, each {portion.repeats:g} times"
    )


def _say_counts(counts: TokenCounts) -> None:
    say(
        "tokens",
        f"{counts.rows} rows, {counts.tokens} tokens, {counts.trained_tokens} trained",
    )
    if counts.too_long:
        say("tokens", f"WARNING {counts.too_long} rows left out: longer than tokens.max_tokens")
