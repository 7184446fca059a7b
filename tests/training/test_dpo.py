"""The DPO loss is TRL's to 1e-5, and the paper's formula; its training too, step by step."""

import json
import math
from pathlib import Path
from typing import Any

import pytest
import torch
from lokal.data.chat import EncodedConversation
from lokal.data.corpus_rows import CorpusRow
from lokal.data.message import Message
from lokal.data.pair_batches import collate_pairs, sums_of_sides
from lokal.data.row_encoder import RowEncoder
from lokal.data.stage_kind import StageKind
from lokal.training.dpo import FIGURES, PreferenceLosses, add_preferences, pair_losses
from lokal.training.hf_stack import load_hf_model
from lokal.training.settings import MethodConfig, MethodKind, Stack, TrainingConfig
from lokal.training.stack import TrainableModel, load_model
from lokal.training.stage_config import StageConfig
from lokal.training.strategy import SingleStrategy
from torch import nn
from transformers import LlamaConfig, LlamaForCausalLM

from .trl_pairs import LOSSES, NUM_STEPS, PAIRS, TINY, fill_weights, make_tokenizer

TRL: dict[str, Any] = json.loads(Path(__file__).with_name("trl_dpo.json").read_text("utf-8"))
FULL = MethodConfig(kind=MethodKind.full)
Pair = list[EncodedConversation]


def stage(**settings: Any) -> StageConfig:
    return StageConfig(kind=StageKind.dpo, **settings)


@pytest.fixture(scope="module")
def pairs() -> list[Pair]:
    """Return the pairs as lokal encodes them."""
    rows = [
        CorpusRow(
            id="1", text="", lang="id", source="s",
            messages=[Message(**turn) for turn in [*prompt, *chosen]],
            rejected=[Message(**turn) for turn in [*prompt, *rejected]],
        )
        for prompt, chosen, rejected in PAIRS
    ]  # fmt: skip
    encoder = RowEncoder(make_tokenizer(), stage=StageKind.dpo, plain_text=False, max_tokens=500)
    return list(encoder.encode(rows))


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[int, Path]:
    """Return a checkpoint for each seed: 1 is trained, 2 is what it is compared with."""
    made = {}
    for seed in (1, 2):
        model = LlamaForCausalLM(LlamaConfig(**TINY))
        fill_weights(model, seed=seed)
        made[seed] = tmp_path_factory.mktemp("model") / str(seed)
        model.save_pretrained(made[seed])
    return made


def load(folder: Path) -> TrainableModel:
    return load_hf_model(folder, FULL, dtype=torch.float32, seed=0)


def batch_of(pairs: list[Pair], reference_R2: torch.Tensor):
    return collate_pairs(pairs, reference_R2=reference_R2, prefix=[], pad_id=2)


@pytest.fixture(scope="module")
def reference_R2(folders: dict[int, Path], pairs: list[Pair]) -> torch.Tensor:
    batch = batch_of(pairs, torch.zeros(len(pairs), 2, dtype=torch.float64))
    assert batch.pairs is not None
    with torch.no_grad():
        return -sums_of_sides(load(folders[2]).module(batch), batch.pairs)


def test_rows_and_masks_of_long_conversations_are_trls(pairs: list[Pair]):
    for pair, theirs in zip(pairs, TRL["rows"], strict=True):
        for side, their_side in zip(pair, theirs, strict=True):
            assert side.ids == their_side["ids"]
            assert side.trained == [bool(flag) for flag in their_side["trained"]]


@pytest.mark.parametrize("name", LOSSES)
def test_the_loss_of_each_pair_is_trls_to_1e_5(
    folders: dict[int, Path], pairs: list[Pair], reference_R2: torch.Tensor, name: str
):
    module = PreferenceLosses(load(folders[1]).module, stage(**LOSSES[name]["lokal"]))
    with torch.no_grad():
        losses_R = module(batch_of(pairs, reference_R2))
    assert losses_R.tolist() == pytest.approx(TRL[name]["losses"], abs=1e-5)


def test_the_torchtune_stack_gives_the_same_losses(
    folders: dict[int, Path], pairs: list[Pair], reference_R2: torch.Tensor
):
    loaded = load_model(Stack.torchtune, folders[1], FULL, dtype=torch.float32, seed=0)
    with torch.no_grad():
        losses_R = add_preferences(loaded, stage(beta=0.1)).module(batch_of(pairs, reference_R2))
    assert losses_R.tolist() == pytest.approx(TRL["sigmoid"]["losses"], abs=1e-5)


def test_the_figures_are_trls_to_1e_5(
    folders: dict[int, Path], pairs: list[Pair], reference_R2: torch.Tensor
):
    model = add_preferences(load(folders[1]), stage(beta=0.1))
    assert model.figures is not None
    with torch.no_grad():
        model.module(batch_of(pairs, reference_R2))
    theirs = TRL["sigmoid"]["rewards"]
    names = ("chosen", "rejected", "margins", "accuracies")
    wanted = [sum(theirs[name]) for name in names]
    assert model.figures.names == FIGURES
    assert model.figures.sums().tolist() == pytest.approx(wanted, abs=1e-5)


@pytest.mark.parametrize("micro_pairs", [1, 2, 5])
def test_training_follows_trls_curve_to_1e_5_however_it_is_cut(
    folders: dict[int, Path], pairs: list[Pair], reference_R2: torch.Tensor, micro_pairs: int
):
    model = add_preferences(load(folders[1]), stage(beta=0.1))
    # TRL's model pads with its end of turn and gives it no gradient as an input; lokal does.
    embedding = next(part for part in model.module.modules() if isinstance(part, nn.Embedding))
    embedding.padding_idx = 2
    strategy = SingleStrategy(model, TrainingConfig(lr=1e-3, clip_norm=1.0))
    losses = []
    for _ in range(NUM_STEPS):
        total = 0.0
        for start in range(0, len(pairs), micro_pairs):
            some = slice(start, start + micro_pairs)
            batch = batch_of(pairs[some], reference_R2[some])
            losses_R = strategy.accumulate(batch, weight=1 / len(pairs), is_last=False)
            total += float(losses_R.sum())
        strategy.step(lr=1e-3)
        losses.append(total / len(pairs))
    assert losses == pytest.approx(TRL["curve"], abs=1e-5)


def test_the_loss_is_the_papers_formula():
    logps_R2 = torch.tensor([[-3.0, -9.0], [-5.0, -2.0]])
    reference_R2 = torch.tensor([[-4.0, -7.0], [-5.0, -3.0]], dtype=torch.float64)
    lengths_R2 = torch.tensor([[2.0, 4.0], [1.0, 2.0]])

    def log_sigmoid(value: float) -> float:
        return -math.log1p(math.exp(-value))

    margins = [0.5 * (1.0 + 2.0), 0.5 * (0.0 - 1.0)]
    plain = pair_losses(logps_R2, reference_R2, lengths_R2, stage(beta=0.5))
    assert plain.tolist() == pytest.approx([-log_sigmoid(m) for m in margins], abs=1e-6)
    smoothed = pair_losses(logps_R2, reference_R2, lengths_R2, stage(beta=0.5, label_smoothing=0.1))
    wanted = [-0.9 * log_sigmoid(m) - 0.1 * log_sigmoid(-m) for m in margins]
    assert smoothed.tolist() == pytest.approx(wanted, abs=1e-6)
    a_token = pair_losses(
        logps_R2, reference_R2, lengths_R2, stage(beta=2, length_normalised=True, nll_weight=0.2)
    )
    margins = [2 * (1 / 2 + 2 / 4), 2 * (0 - 1 / 2)]
    nlls = [3 / 2, 5 / 1]
    wanted = [-log_sigmoid(m) + 0.2 * nll for m, nll in zip(margins, nlls, strict=True)]
    assert a_token.tolist() == pytest.approx(wanted, abs=1e-6)


def test_an_untrained_model_has_the_loss_log_2_and_prefers_nothing(
    folders: dict[int, Path], pairs: list[Pair], reference_R2: torch.Tensor
):
    model = add_preferences(load(folders[2]), stage(beta=0.3))
    assert model.figures is not None
    losses_R = model.module(batch_of(pairs, reference_R2))
    assert losses_R.tolist() == pytest.approx([math.log(2)] * len(pairs), abs=1e-6)
    assert model.figures.sums().tolist()[:3] == pytest.approx([0, 0, 0], abs=1e-5)


def test_names_in_the_finished_folder_are_those_of_the_stack(
    folders: dict[int, Path], tmp_path: Path
):
    model = add_preferences(load(folders[1]), stage())
    model.save(tmp_path, {name: value.detach() for name, value in model.saved().items()})
    again = LlamaForCausalLM.from_pretrained(tmp_path)
    before = LlamaForCausalLM.from_pretrained(folders[1]).state_dict()
    torch.testing.assert_close(dict(again.state_dict()), dict(before))
