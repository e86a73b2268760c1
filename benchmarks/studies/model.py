"""The model of a study: two arms, training seeds, tasks, and initial conditions that the arms share.

A run of an arm with training seed k on task t succeeds with probability

    p[k, t] = clip(c[t] + b[k], 0, 1)        b[k] ~ Normal(0, seed_sd), independent of every other run

over initial conditions. `c` is spaced evenly in log-odds over tasks. Which initial conditions succeed
follows a probit: with hardness h[t, i] shared by all runs of both arms and luck u of the single rollout,
both standard normal,

    success[k, t, i] = sqrt(q) h[t, i] + sqrt(1 - q) u[k, t, i] < Phi^-1(p[k, t])

where q is the pair correlation, that of the latent normals. The truth is success over training seeds,
tasks and initial conditions, E[p]: after clipping. `c` is set so that E[p], not the mean of `c`, is what
was asked for; near 1 the seeds therefore differ by less than `seed_sd`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import expit, ndtr, ndtri

# From the easiest task to the hardest, in log-odds: 0.55 and 0.85 around 0.73.
_SPREAD = 1.5
_FARTHEST_LOG_ODDS = 30.0


@dataclass(frozen=True)
class Study:
    """A design and the truth behind its reference arm.

    Attributes:
        seeds: Training seeds an arm.
        tasks: Number of tasks.
        episodes: Initial conditions a task.
        success: True success of the reference.
        seed_sd: Standard deviation of a training seed's effect on the probability of success.
        pair_correlation: Share of the latent variance that rollouts of one initial condition share.
    """

    seeds: int
    tasks: int
    episodes: int
    success: float
    seed_sd: float
    pair_correlation: float = 0.3


def mean_after_clipping(centre: NDArray[np.float64], sd: float) -> NDArray[np.float64]:
    """Return the mean of normals that were clipped to 0 and 1."""
    if sd == 0:
        return np.clip(centre, 0, 1)
    low, high = -centre / sd, (1 - centre) / sd
    density = np.exp(-(low**2) / 2) - np.exp(-(high**2) / 2)
    within = centre * (ndtr(high) - ndtr(low)) + sd * density / np.sqrt(2 * np.pi)
    return within + ndtr(-high)


def task_centres(study: Study, ratio: float = 1.0) -> NDArray[np.float64]:
    """Return `c` `(task,)` of an arm whose true success is `ratio` times the reference's."""
    offsets = (
        np.linspace(-_SPREAD / 2, _SPREAD / 2, study.tasks) if study.tasks > 1 else np.zeros(1)
    )

    def surplus(level: float) -> float:
        return float(mean_after_clipping(expit(level + offsets), study.seed_sd).mean()) - (
            ratio * study.success
        )

    return expit(brentq(surplus, -_FARTHEST_LOG_ODDS, _FARTHEST_LOG_ODDS) + offsets)


def simulate(
    study: Study, ratios: Sequence[float], *, studies: int, rng: np.random.Generator
) -> tuple[tuple[NDArray[np.bool_], ...], NDArray[np.bool_]]:
    """Return a candidate for each true ratio, and the reference: `(study, seed, task, episode)`.

    The candidates are alternatives to one another and share their draws.
    """
    q = np.float32(study.pair_correlation)
    cell = (studies, study.seeds, study.tasks, study.episodes)
    hardness = rng.standard_normal((studies, 1, *cell[2:]), dtype=np.float32) * np.sqrt(q)

    def arm(centres: Sequence[NDArray[np.float64]]) -> tuple[NDArray[np.bool_], ...]:
        latent = rng.standard_normal(cell, dtype=np.float32) * np.sqrt(1 - q) + hardness
        shift = rng.normal(0, study.seed_sd, (studies, study.seeds, 1))
        return tuple(
            latent < ndtri(np.clip(c + shift, 0, 1)).astype(np.float32)[..., np.newaxis]
            for c in centres
        )

    (reference,) = arm([task_centres(study)])
    return arm([task_centres(study, ratio) for ratio in ratios]), reference
