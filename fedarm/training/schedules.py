"""The learning rate of a step."""

from __future__ import annotations

import math

from fedarm.config import Schedule


def lr_share(schedule: Schedule, *, step: int, steps: int, round_number: int, rounds: int) -> float:
    """Return the learning rate of a step over the configured one.

    Within a round it rises over the warm-up and then stays or falls along half a cosine, from 1 at the
    step after the warm-up to `final_lr_share` at the last step; each round starts anew. The rounds'
    starting rates may fall along half a cosine too, from 1 in round 1 towards 0 after the last.

    Args:
        schedule: The schedule's settings.
        step: The step in its round, counted from 0.
        steps: Steps a round.
        round_number: The round, counted from 1.
        rounds: Rounds in all.

    Source:
        Loshchilov and Hutter 2017, "SGDR: Stochastic Gradient Descent with Warm Restarts", equation 5.
    """
    return _over_rounds(schedule, round_number, rounds) * _within_round(schedule, step, steps)


def _over_rounds(schedule: Schedule, round_number: int, rounds: int) -> float:
    if schedule.round_decay == "none":
        return 1.0
    return _half_cosine((round_number - 1) / rounds)


def _within_round(schedule: Schedule, step: int, steps: int) -> float:
    warmup_steps = int(schedule.warmup_share * steps)
    if step < warmup_steps:
        # The first step is not wasted on a rate of 0.
        return (step + 1) / (warmup_steps + 1)
    if schedule.kind == "constant":
        return 1.0
    last = max(steps - 1 - warmup_steps, 1)
    fall = _half_cosine((step - warmup_steps) / last)
    return schedule.final_lr_share + (1.0 - schedule.final_lr_share) * fall


def _half_cosine(progress: float) -> float:
    """Return a value that falls from 1 to 0 as progress goes from 0 to 1."""
    return 0.5 * (1.0 + math.cos(math.pi * progress))
