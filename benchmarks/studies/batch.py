"""The crossed t of many studies at once; `fedarm.stats.crossed` has it of one.

A test compares the two study by study. Here is no inversion: whether a ratio lies within the interval is
whether the test at that ratio does not reject it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

from fedarm.stats.crossed_components import ROUNDING, ROUNDING_VARIANCE

Numbers = NDArray[np.float64]


@dataclass(frozen=True)
class Arm:
    """What an arm's outcomes come down to.

    Attributes:
        seeds: Training seeds.
        mean: Mean success `(study,)`.
        seed_variance: Variance of the seed means `(study,)`.
        residual: Two-way residual mean square `(study, task)`.
        centred: Means over seeds less their task's mean `(study, task, episode)`.
    """

    seeds: int
    mean: Numbers
    seed_variance: Numbers
    residual: Numbers
    centred: Numbers

    @classmethod
    def of(cls, outcomes: NDArray[np.bool_]) -> Arm:
        """Reduce outcomes `(study, seed, task, episode)`, with two seeds and episodes at least."""
        _, seeds, _, episodes = outcomes.shape
        over_seeds = outcomes.sum(axis=1) / seeds
        over_episodes = outcomes.sum(axis=3) / episodes
        task_means = over_episodes.mean(axis=1)
        # Outcomes are their own squares.
        squares = (
            outcomes.sum(axis=(1, 3))
            - seeds * (over_seeds**2).sum(axis=2)
            - episodes * (over_episodes**2).sum(axis=1)
            + seeds * episodes * task_means**2
        )
        return cls(
            seeds=seeds,
            mean=task_means.mean(axis=1),
            seed_variance=over_episodes.mean(axis=2).var(axis=1, ddof=1),
            residual=np.maximum(squares, 0) / ((seeds - 1) * (episodes - 1)),
            centred=over_seeds - task_means[:, :, np.newaxis],
        )


@dataclass(frozen=True)
class Batch:
    """Candidates and references of many studies of one design."""

    candidate: Arm
    reference: Arm

    def variance(self, ratio: float | Numbers = 1.0) -> tuple[Numbers, Numbers]:
        """Return the variance of `mean F - ratio * mean C` and its degrees of freedom `(study,)`.

        Args:
            ratio: One for all studies, or one each.
        """
        one, two = self.candidate, self.reference
        _, tasks, episodes = one.centred.shape
        r = np.broadcast_to(np.asarray(ratio, dtype=np.float64), one.mean.shape)
        of_one, of_two = one.seed_variance / one.seeds, r**2 * two.seed_variance / two.seeds
        contrast = one.centred - r[:, np.newaxis, np.newaxis] * two.centred
        observed = (contrast**2).sum(axis=2) / ((episodes - 1) * episodes)
        noise = one.residual / one.seeds + r[:, np.newaxis] ** 2 * two.residual / two.seeds
        excess = observed - noise / episodes
        of_conditions = np.where(excess > ROUNDING * observed, excess, 0).sum(axis=1) / tasks**2
        total = of_one + of_two + of_conditions
        spread = (
            of_one**2 / (one.seeds - 1)
            + of_two**2 / (two.seeds - 1)
            + (observed**2).sum(axis=1) / (tasks**4 * (episodes - 1))
        )
        floor = min(one.seeds, two.seeds) - 1.0
        df = np.full_like(total, floor)
        np.divide(total**2, spread, out=df, where=spread > ROUNDING_VARIANCE**2)
        return np.where(total > ROUNDING_VARIANCE, total, 0.0), np.maximum(df, floor)

    def reach(self, ratio: float | Numbers = 1.0) -> Numbers:
        """Return half the width of the 95 % interval of `mean F - ratio * mean C` `(study,)`."""
        variance, df = self.variance(ratio)
        return stdtrit(df, 0.975) * np.sqrt(variance)
