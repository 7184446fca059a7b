"""Learning rates against hand-computed values."""

import pytest
from lokal.training.schedule import learning_rate
from lokal.training.settings import ScheduleKind, TrainingConfig


def rates(config: TrainingConfig, total_steps: int) -> list[float]:
    return [
        learning_rate(config, step=step, total_steps=total_steps) for step in range(total_steps)
    ]


def test_cosine_warms_up_linearly_and_ends_near_the_final_fraction():
    made = rates(TrainingConfig(lr=1.0, warmup_fraction=0.2, final_fraction=0.1), 10)
    assert made[:3] == pytest.approx([0.5, 1.0, 1.0])
    assert made[6] == pytest.approx(0.1 + 0.9 * 0.5)
    assert made == sorted(made[:2]) + sorted(made[2:], reverse=True)


def test_wsd_is_flat_and_then_falls_in_a_straight_line():
    config = TrainingConfig(
        lr=2.0, schedule=ScheduleKind.wsd, warmup_fraction=0.1, decay_fraction=0.4
    )
    assert rates(config, 10) == pytest.approx([2.0] * 7 + [1.5, 1.0, 0.5])


def test_no_warm_up_starts_at_the_peak():
    assert rates(TrainingConfig(lr=1.0, warmup_fraction=0.0), 5)[0] == 1.0


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"lr": 0.0}, r"training.lr must be above 0, got 0.0"),
        ({"warmup_fraction": 1.5}, r"training.warmup_fraction must lie in \[0, 1\], got 1.5"),
        ({"micro_rows": 0}, r"training.micro_rows must be at least 1, got 0"),
    ],
)
def test_a_senseless_setting_names_its_key_and_value(setting: dict[str, float], message: str):
    with pytest.raises(ValueError, match=message):
        TrainingConfig(**setting)  # pyright: ignore[reportArgumentType]
