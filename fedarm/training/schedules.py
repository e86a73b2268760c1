"""The learning rate of a step."""

from __future__ import annotations

import math

from fedarm.config_training import Schedule
from fedarm.settings import TrainSettings


def lr_share(schedule: Schedule, *, step: int, steps: int, round_number: int, rounds: int) -> float:
    """Return the learning rate of a step over the configured one.

    `cosine` and `warm_restarts` are laid over the whole run: where rounds begin and end does not matter,
    so that a federated run has the rates of a central one. `round_cosine` starts anew each round, and so
    does its warm-up. With `round_decay` the rounds' starting rates fall along half a cosine, from 1 in
    round 1 towards 0 after the last.

    Args:
        schedule: The schedule's settings.
        step: The step in its round, counted from 0.
        steps: Steps a round.
        round_number: The round, counted from 1.
        rounds: Rounds in all.

    Source:
        Loshchilov and Hutter 2017, "SGDR: Stochastic Gradient Descent with Warm Restarts", equation 5.
    """
    if schedule.kind != "round_cosine":
        step, steps_in_all = step + (round_number - 1) * steps, rounds * steps
    else:
        steps_in_all = steps
    decay = _over_rounds(schedule, round_number, rounds)
    return decay * _over_steps(schedule, step, steps_in_all)


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


def _over_steps(schedule: Schedule, step: int, steps: int) -> float:
    """Return the share at a step of those that the schedule is laid over."""
    warmup_steps = int(schedule.warmup_share * steps)
    if step < warmup_steps:
        # The first step is not wasted on a rate of 0.
        return (step + 1) / (warmup_steps + 1)
    if schedule.kind == "constant":
        return 1.0
    if schedule.kind == "warm_restarts":
        progress = _in_cycle(schedule, step / steps)
    else:
        progress = (step - warmup_steps) / max(steps - 1 - warmup_steps, 1)
    return schedule.final_lr_share + (1.0 - schedule.final_lr_share) * _half_cosine(progress)


def _in_cycle(schedule: Schedule, progress: float) -> float:
    """Return the progress in its cycle at some progress of the run, both from 0 to 1."""
    length = schedule.first_cycle
    # A rounding error must not put a cycle's first step at the end of the cycle before.
    while progress > length - 1e-9:
        progress -= length
        length *= schedule.cycle_factor
    return max(progress, 0.0) / length


def _half_cosine(progress: float) -> float:
    """Return a value that falls from 1 to 0 as progress goes from 0 to 1."""
    return 0.5 * (1.0 + math.cos(math.pi * progress))
