"""The learning rate at a step: warm-up, then cosine or warm-up-stable-decay."""

import math

from .settings import ScheduleKind, TrainingConfig


def learning_rate(config: TrainingConfig, *, step: int, total_steps: int) -> float:
    """Return the rate of a step (counted from 0); a pure function, so that resuming needs no state.

    Cosine as in Loshchilov and Hutter 2017 without restarts; WSD as in Hu et al. 2024 (MiniCPM),
    linear decay.
    """
    warmup_steps = round(config.warmup_fraction * total_steps)
    if step < warmup_steps:
        return config.lr * (step + 1) / warmup_steps
    if config.schedule is ScheduleKind.cosine:
        progress = (step - warmup_steps) / max(1, total_steps - warmup_steps)
        share = 0.5 * (1 + math.cos(math.pi * progress))
    else:
        decay_steps = round(config.decay_fraction * total_steps)
        share = min(1.0, (total_steps - step) / max(1, decay_steps))
    return config.lr * (config.final_fraction + (1 - config.final_fraction) * share)
