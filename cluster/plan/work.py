"""How much a run has to do: optimizer steps and tokens, counted where the corpus is known."""

import math
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from ...data.base_model import ModelConfig, ModelSource
from ...data.corpus_rows import CorpusRows
from ...data.manifest import read_manifest
from ...data.model_cache import cache_folder
from ...data.packing import PACKS_NAME, Packs
from ...data.stage_kind import StageKind
from ...training.finetune_config import FinetuneConfig
from ...training.settings import Layout

_FILL = 0.97
"""Part of packed rows that holds tokens; best fit leaves little (docs/decisions/mix.md)."""
_SAMPLE_ROWS = 256
_ROW_SHARE = 0.5
"""Mean length of a row as a part of ``tokens.max_tokens``, where nothing is known."""


class Rows(NamedTuple):
    """What an epoch holds."""

    rows: int
    """Documents, conversations; sides of pairs with ``stage=dpo``."""
    tokens: int
    trained_tokens: int
    packs: int
    """Packed rows; 0 where rows are not packed, or not yet."""
    known_from: str


class Work(NamedTuple):
    """What the whole run does, all processes together."""

    steps: int
    tokens: int
    trained_tokens: int
    document_tokens: float
    """Mean length of a document."""
    known_from: str


def work_of(config: FinetuneConfig, *, corpus_tokens: int) -> Work | None:
    """Return the run's work; None where neither corpus nor numbers tell.

    Args:
        corpus_tokens: tokens of an epoch as the user states them; 0 where the corpus is to tell.
    """
    rows = _given_rows(config, corpus_tokens) if corpus_tokens else _known_rows(config)
    training = config.training
    if rows is None:
        if not training.max_steps:
            return None
        each = training.rows_per_step * config.tokens.max_tokens
        each = round(each * (_FILL if _is_packed(config) else _ROW_SHARE))
        steps = training.max_steps
        mean = _mean_row(config)
        return Work(steps, each * steps, each * steps, mean, "training.max_steps")
    per_epoch = steps_per_epoch(rows, config)
    steps = max(1, round(training.epochs * per_epoch))
    if training.max_steps:
        steps = min(steps, training.max_steps)
    epochs = steps / per_epoch
    return Work(
        steps=steps,
        tokens=round(rows.tokens * epochs),
        trained_tokens=round(rows.trained_tokens * epochs),
        document_tokens=rows.tokens / max(1, rows.rows),
        known_from=rows.known_from,
    )


def steps_per_epoch(rows: Rows, config: FinetuneConfig) -> int:
    """Return the optimizer steps of one pass."""
    if config.stage.kind is StageKind.dpo:
        units = rows.rows / 2
    elif not _is_packed(config):
        units = rows.rows
    else:
        units = rows.packs or rows.tokens / (_FILL * config.tokens.max_tokens)
    return max(1, math.ceil(units / config.training.rows_per_step))


def _given_rows(config: FinetuneConfig, tokens: int) -> Rows:
    rows = max(1, round(tokens / _mean_row(config)))
    return Rows(rows, tokens, tokens, 0, "corpus_tokens")


def _known_rows(config: FinetuneConfig) -> Rows | None:
    return _of_token_folder(config) or _of_corpus(config)


def _of_token_folder(config: FinetuneConfig) -> Rows | None:
    manifest = read_manifest(config.tokens_folder)
    if manifest is None:
        return None
    counts = manifest.counts
    rows, tokens, trained = (
        int(str(counts[name])) for name in ("rows", "tokens", "trained_tokens")
    )
    packs = 0
    if _is_packed(config) and (config.tokens_folder / PACKS_NAME).is_file():
        packs = len(Packs.open(config.tokens_folder))
    return Rows(rows, tokens, trained, packs, f"{config.tokens_folder}")


def _of_corpus(config: FinetuneConfig) -> Rows | None:
    """Return what the corpus holds, its tokens by the first rows of each part."""
    tokenizer = _tokenizer_folder(config.model)
    if tokenizer is None or any(read_manifest(path) is None for path in config.corpus_paths):
        return None
    from transformers import AutoTokenizer

    from ...data.row_encoder import RowEncoder

    corpus = CorpusRows(config.corpus_paths, config.sources)
    encoder = RowEncoder(
        AutoTokenizer.from_pretrained(tokenizer, local_files_only=True),
        stage=config.stage.kind,
        plain_text=config.stage.plain_text,
        max_tokens=config.tokens.max_tokens,
    )
    looked, rows, tokens, trained = 0, 0, 0, 0
    for batch in islice(corpus.batches(), 4):
        some = batch[:_SAMPLE_ROWS]
        looked += len(some)
        for parts in encoder.encode(some):
            rows += len(parts)
            tokens += sum(len(part.ids) for part in parts)
            trained += sum(sum(part.trained) for part in parts)
    if tokens == 0:
        return None
    part = len(corpus) / looked
    known = f"{looked} of {len(corpus)} rows of the corpus"
    return Rows(round(rows * part), round(tokens * part), round(trained * part), 0, known)


def _tokenizer_folder(model: ModelConfig) -> Path | None:
    """Return the folder of the model's tokenizer, if it is on this machine."""
    name = Path(model.path).expanduser()
    places = [name, cache_folder() / "models" / model.path]
    if model.source is ModelSource.hub:
        from huggingface_hub import try_to_load_from_cache

        found = try_to_load_from_cache(model.path, "tokenizer.json", revision=model.revision)
        places = [Path(found).parent] if isinstance(found, str) else []
    return next((place for place in places if (place / "tokenizer.json").is_file()), None)


def _mean_row(config: FinetuneConfig) -> float:
    return config.tokens.max_tokens * _ROW_SHARE


def _is_packed(config: FinetuneConfig) -> bool:
    return config.tokens.layout is Layout.packed
