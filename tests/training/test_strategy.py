"""One step of ``single``: what may change the weights, and what leaves everything as it was."""

import math

import pytest
import torch
from lokal.training.settings import TrainingConfig
from lokal.training.stack import TrainableModel
from lokal.training.strategy import SingleStrategy


def make() -> tuple[SingleStrategy, torch.nn.Linear]:
    torch.manual_seed(0)
    module = torch.nn.Linear(3, 3)
    model = TrainableModel(
        module=module,
        layers=[],
        save=lambda folder, weights: None,
        shares_prefix=False,
        saves_all=True,
    )
    return SingleStrategy(model, TrainingConfig(clip_norm=1e9)), module


def backward(module: torch.nn.Linear, value: float) -> None:
    module(torch.full((2, 3), value)).square().sum().backward()


@pytest.mark.parametrize(
    ("value", "max_norm"), [(math.nan, math.inf), (math.inf, math.inf), (1.0, 0.1), (1.0, -1.0)]
)
def test_a_gradient_that_is_not_accepted_leaves_weights_and_optimizer_untouched(
    value: float, max_norm: float
):
    strategy, module = make()
    plain, same = make()
    for step in (lambda: None, lambda: _refused(strategy, module, value, max_norm=max_norm)):
        for one, its in ((strategy, module), (plain, same)):
            backward(its, 0.5)
            one.step(lr=0.1)
        step()
    assert torch.equal(module.weight, same.weight)
    for one, its in ((strategy, module), (plain, same)):  # moments and step count are equal too
        backward(its, 0.7)
        one.step(lr=0.1)
    assert torch.equal(module.weight, same.weight)


def _refused(
    strategy: SingleStrategy, module: torch.nn.Linear, value: float, *, max_norm: float
) -> None:
    backward(module, value)
    norm = strategy.step(lr=0.1, max_norm=max_norm)
    assert not math.isfinite(norm) or norm > max_norm
    assert module.weight.grad is None
