"""``stage=dpo``: direct preference optimisation (Rafailov et al. 2023) around any stack's model."""

# R pairs, N trained positions; the 2 is chosen, rejected

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn.functional import logsigmoid

from ..data.batches import Batch
from ..data.pair_batches import sums_of_sides
from .stack import Figures, TrainableModel
from .stage_config import StageConfig

_POLICY = "policy."
"""What wrapping puts before the names of the model's parameters."""
FIGURES = ("chosen_reward", "rejected_reward", "reward_margin", "reward_accuracy")
"""What is told of each step: beta times how much likelier each side has become, in nats."""


def add_preferences(model: TrainableModel, config: StageConfig) -> TrainableModel:
    """Return the model with the loss of each pair in place of the loss of each target.

    A batch without pairs still gives the loss of each target.
    """
    module = PreferenceLosses(model.module, config)

    def save(folder: Path, weights: Mapping[str, Tensor]) -> None:
        model.save(folder, {name.removeprefix(_POLICY): value for name, value in weights.items()})

    return replace(
        model,
        module=module,
        save=save,
        lr_factors={_POLICY + name: factor for name, factor in model.lr_factors.items()},
        figures=Figures(FIGURES, module.figure_sums),
    )


class PreferenceLosses(nn.Module):
    """The policy, and what its log-probabilities say about pairs."""

    def __init__(self, policy: nn.Module, config: StageConfig) -> None:
        super().__init__()
        self.policy = policy
        self._config = config
        self._figures_F = torch.zeros(len(FIGURES))

    def forward(  # noqa: D102  of nn.Module
        self, batch: Batch, *, wants_logits: bool = False
    ) -> Tensor:
        if wants_logits:
            return self.policy(batch, wants_logits=True)
        losses_N = self.policy(batch)
        if batch.pairs is None:
            return losses_N
        logps_R2 = -sums_of_sides(losses_N, batch.pairs)
        lengths_R2 = sums_of_sides(torch.ones_like(losses_N), batch.pairs)
        reference_R2 = batch.pairs.reference_R2
        self._figures_F = _figures(logps_R2.detach(), reference_R2, beta=self._config.beta)
        return pair_losses(logps_R2, reference_R2, lengths_R2, self._config).float()

    def figure_sums(self) -> Tensor:
        """Return the sums of FIGURES over the pairs of the last forward pass."""
        return self._figures_F


def pair_losses(
    logps_R2: Tensor, reference_R2: Tensor, lengths_R2: Tensor, config: StageConfig
) -> Tensor:
    """Return the loss of each pair, [R].

    ``-log sigmoid(beta x margin)``, where the margin is how much more likely the chosen side has
    become than the rejected one. Label smoothing is that of conservative DPO (Mitchell 2023), the
    cross entropy of the chosen side that of Pang et al. (2024): a mean over its tokens.
    """
    ratios_R2 = logps_R2 - reference_R2
    if config.length_normalised:
        ratios_R2 = ratios_R2 / lengths_R2
    margin_R = config.beta * (ratios_R2[:, 0] - ratios_R2[:, 1])
    losses_R = -logsigmoid(margin_R)
    if config.label_smoothing:
        wrong = config.label_smoothing
        losses_R = (1 - wrong) * losses_R - wrong * logsigmoid(-margin_R)
    if config.nll_weight:
        losses_R = losses_R - config.nll_weight * logps_R2[:, 0] / lengths_R2[:, 0]
    return losses_R


def _figures(logps_R2: Tensor, reference_R2: Tensor, *, beta: float) -> Tensor:
    rewards_R2 = beta * (logps_R2 - reference_R2)
    chosen_R, rejected_R = rewards_R2[:, 0], rewards_R2[:, 1]
    rows = [chosen_R, rejected_R, chosen_R - rejected_R, (chosen_R > rejected_R).float()]
    return torch.stack(rows).sum(dim=1)
