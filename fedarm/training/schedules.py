"""The learning rate of a step."""

from __future__ import annotations

import math

from fedarm.config import Schedule
from fedarm.settings import TrainSettings


def lr_share(schedule: Schedule, *, step: int, steps: int, round_number: int, rounds: int) -> float:
    """Return the learning rate of a step over the configured one.

    Within a round it rises over the warm-up and then stays or falls along half a cosine, from 1 at the
    step after the warm-up to `final_lr_share` at the last step; each round starts anew. The rounds'
    starting rates may fall along half a cosine too, from 1 in round 1 towards 0 after the last.

    With warm restarts the falls are cycles of the whole run, counted in steps; where rounds begin and
    end does not matter, so that one schedule is the same for federated and for central training.

    Args:
        schedule: The schedule's settings.
        step: The step in its round, counted from 0.
        steps: Steps a round.
        round_number: The round, counted from 1.
        rounds: Rounds in all.

    Source:
        Loshchilov and Hutter 2017, "SGDR: Stochastic Gradient Descent with Warm Restarts", equation 5.
    """
    within = _within_round(schedule, step, steps)
    if schedule.kind == "warm_restarts":
        progress = (round_number - 1 + step / steps) / rounds
        within *= _in_cycle(schedule, progress)
    return _over_rounds(schedule, round_number, rounds) * within


def round_lrs(settings: TrainSettings, round_number: int) -> tuple[float, float]:
    """Return the learning rates of a round's first and last step, as the schedule gives them."""
    training = settings.training
    if settings.run.kind == "federated":
        first, last, steps = 0, settings.local_steps - 1, settings.local_steps
        place = {"round_number": round_number, "rounds": settings.rounds}
    else:
        first, after = (settings.steps_until(number) for number in (round_number - 1, round_number))
        last, steps = after - 1, settings.steps
        place = {"round_number": 1, "rounds": 1}
    start, end = (
        training.lr * lr_share(training.schedule, step=step, steps=steps, **place)
        for step in (first, last)
    )
    return start, end


def _over_rounds(schedule: Schedule, round_number: int, rounds: int) -> float:
    if schedule.round_decay == "none":
        return 1.0
    return _half_cosine((round_number - 1) / rounds)


def _within_round(schedule: Schedule, step: int, steps: int) -> float:
    warmup_steps = int(schedule.warmup_share * steps)
    if step < warmup_steps:
        # The first step is not wasted on a rate of 0.
        return (step + 1) / (warmup_steps + 1)
    if schedule.kind != "cosine":
        return 1.0
    last = max(steps - 1 - warmup_steps, 1)
    fall = _half_cosine((step - warmup_steps) / last)
    return schedule.final_lr_share + (1.0 - schedule.final_lr_share) * fall


def _in_cycle(schedule: Schedule, progress: float) -> float:
    """Return the share at some progress, from 0 at the run's start to 1 at its end."""
    length = schedule.first_cycle
    # A rounding error must not put a cycle's first step at the end of the cycle before.
    while progress > length - 1e-9:
        progress -= length
        length *= schedule.cycle_factor
    fall = _half_cosine(max(progress, 0.0) / length)
    return schedule.final_lr_share + (1.0 - schedule.final_lr_share) * fall


def _half_cosine(progress: float) -> float:
    """Return a value that falls from 1 to 0 as progress goes from 0 to 1."""
    return 0.5 * (1.0 + math.cos(math.pi * progress))
