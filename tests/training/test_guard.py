"""The guard: what is skipped, when the run stops, and that a resumed run decides alike."""

import math

import pytest
from lokal.data.errors import RunError
from lokal.training.guard import Guard
from lokal.training.settings import TrainingConfig

CONFIG = TrainingConfig(guard_window_steps=20)


def calm(num_steps: int) -> list[dict[str, object]]:
    """Return the ledger's lines of steps whose loss lies between 2.0 and 2.4."""
    return [
        {"step": step, "loss": 2.0 + step % 5 / 10, "grad_norm": 1.0 + step % 3 / 10}
        for step in range(1, num_steps + 1)
    ]


@pytest.mark.parametrize("loss", [math.nan, math.inf, -math.inf])
def test_a_loss_that_is_not_finite_never_updates(loss: float):
    assert Guard(CONFIG).max_norm(loss) < 0


@pytest.mark.parametrize(("loss", "is_taken"), [(2.9, True), (3.3, False)])
def test_six_sigma_above_the_window_is_a_spike(loss: float, is_taken: bool):
    guard = Guard(CONFIG, past=calm(20))  # mean 2.2, standard deviation 0.14
    assert (guard.max_norm(loss) > 0) is is_taken


def test_the_gradient_norm_has_its_own_limit():
    limit = Guard(CONFIG, past=calm(20)).max_norm(2.2)
    assert 1.1 + 6 * 0.05 < limit < 1.1 + 6 * 0.1


def test_nothing_but_finite_is_asked_before_half_a_window_and_with_sigmas_0():
    assert Guard(CONFIG, past=calm(9)).max_norm(1e9) == math.inf
    plain = TrainingConfig(guard_window_steps=20, spike_sigmas=0)
    assert Guard(plain, past=calm(20)).max_norm(1e9) == math.inf


def test_equal_losses_do_not_make_a_small_difference_a_spike():
    past = [{"step": step, "loss": 2.0, "grad_norm": 1.0} for step in range(1, 21)]
    guard = Guard(CONFIG, past=past)
    assert guard.max_norm(2.5) > 0 > guard.max_norm(2.7)


def test_a_spike_does_not_raise_the_limit_for_the_next():
    guard = Guard(CONFIG, past=calm(20))
    before = guard.max_norm(2.2)
    assert (
        guard.skip(21, loss=9.0, norm=1.0) == "the loss is more than 6 sigma above the steps before"
    )
    assert guard.max_norm(2.2) == before


def test_the_fourth_skip_of_a_window_stops_and_older_ones_are_forgotten():
    guard = Guard(CONFIG, past=calm(20))
    for step in (21, 30, 35):
        guard.skip(step, loss=math.nan, norm=1.0)
        guard.check()
    guard.skip(41, loss=2.0, norm=math.inf)  # 21 is out of the window of 20 by now
    guard.check()
    guard.skip(42, loss=2.0, norm=9.0)
    with pytest.raises(RunError, match=r"steps 30, 35, 41, 42 were skipped .*lower training\.lr"):
        guard.check()
    assert guard.num_skipped == 5


def test_resumed_from_the_ledger_it_decides_as_the_unbroken_one():
    lines = calm(30)
    lines[24] = {"step": 25, "skipped": "the loss is not finite", "skipped_steps": 1}
    unbroken = Guard(CONFIG)
    for line in lines:
        if "loss" in line:
            unbroken.took(float(str(line["loss"])), float(str(line["grad_norm"])))
        else:
            unbroken.skip(25, loss=math.nan, norm=1.0)
    resumed = Guard(CONFIG, past=lines)
    assert resumed.max_norm(2.2) == unbroken.max_norm(2.2)
    assert resumed.num_skipped == unbroken.num_skipped == 1
