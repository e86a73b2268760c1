"""What the error of two arms on shared initial conditions is made of, and what it is in another design.

With S seeds an arm, T tasks and N initial conditions a task, `mean F - r mean C` has the variance

    (a_F + r^2 a_C) / S  +  sum_t c_t(r) / (N T^2)  +  sum_t (e_Ft + r^2 e_Ct) / (S N T^2)

    a      between an arm's training seeds
    c_t    between initial conditions, of the difference `F - r C` of the arms' expectations there
    e      what neither explains: the luck of one episode

They are those of the crossed t (`fedarm.stats.crossed`), seen in a pilot or assumed.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr

from fedarm.errors import ResultsError
from fedarm.stats.crossed_components import CrossedComponents

Numbers = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Variances:
    """The variances behind the comparison of a candidate (first) with a reference (second).

    Attributes:
        success: The reference's mean success.
        between_seeds: Between training seeds `(arm,)`.
        conditions: Of the arms' expectations, between initial conditions `(task, arm, arm)`.
        residual: Of one episode, given seed and initial condition `(arm, task)`.
    """

    success: float
    between_seeds: Numbers
    conditions: Numbers
    residual: Numbers

    @property
    def tasks(self) -> int:
        """The number of tasks, T."""
        return self.residual.shape[1]

    @property
    def seed_sd(self) -> tuple[float, float]:
        """The standard deviations of the arms' success between training seeds."""
        candidate, reference = np.sqrt(self.between_seeds)
        return float(candidate), float(reference)

    @property
    def pair_correlation(self) -> float:
        """The correlation, within a task, of two policies' outcomes on the same initial condition."""
        conditions = self.conditions.mean(axis=0)
        outcomes = self.between_seeds + np.diag(conditions) + self.residual.mean(axis=1)
        scale = math.sqrt(max(float(outcomes.prod()), 0.0))
        return float(np.clip(conditions[0, 1] / scale, -1.0, 1.0)) if scale > 0 else 0.0


def observed_variances(components: CrossedComponents) -> Variances:
    """Return the variances that a finished comparison shows.

    They are as uncertain as few seeds make them: an order of magnitude to plan with.
    """
    seeds = np.array(components.seeds, dtype=np.float64)
    cells = components.tasks * components.initial_conditions
    of_seeds = components.seed_variance - components.residual.mean(axis=1) / cells
    conditions = components.covariance.copy()
    noise = components.residual / seeds[:, np.newaxis]  # (arm, task)
    for arm in range(len(seeds)):
        conditions[:, arm, arm] -= noise[arm]
    return Variances(
        success=float(components.means[1]),
        between_seeds=np.maximum(of_seeds, 0.0),
        conditions=conditions,
        residual=components.residual,
    )


def assumed_variances(
    *,
    success: float,
    seed_sd: float,
    pair_correlation: float,
    tasks: int,
    ratio: float = 1.0,
) -> Variances:
    """Return the variances that follow from a few numbers, the same for every task.

    An initial condition is as hard for one arm as for the other, and no seed differs in what it finds
    hard. Of an episode's variance p(1-p), the initial condition has the share that is the correlation.

    Args:
        success: The reference's mean success.
        seed_sd: Standard deviation of an arm's success between training seeds.
        pair_correlation: Of the outcomes of two policies on the same initial condition.
        tasks: The number of tasks.
        ratio: The candidate's success over the reference's.

    Raises:
        ResultsError: A number is out of its range, or the seeds alone vary more than outcomes can.
    """
    _check(success, seed_sd, pair_correlation, tasks, ratio)
    means = np.array([ratio * success, success])
    spread = means * (1 - means)
    of_condition = pair_correlation * spread
    residual = spread - of_condition - seed_sd**2
    if bool(np.any(residual < 0)):
        raise ResultsError(
            "seeds and initial conditions together vary more than successes can",
            key="seed_sd",
            value=seed_sd,
            remedy=f"at success {success:g} and this correlation, take at most"
            f" {math.sqrt(float((spread - of_condition).min())):.3g}",
        )
    shared = np.sqrt(np.outer(of_condition, of_condition))  # (arm, arm)
    return Variances(
        success=success,
        between_seeds=np.full(2, seed_sd**2),
        conditions=np.repeat(shared[np.newaxis], tasks, axis=0),
        residual=np.repeat(residual[:, np.newaxis], tasks, axis=1),
    )


def projected_error(
    variances: Variances, *, seeds: int, episodes: int, ratio: float = 1.0
) -> tuple[float, float]:
    """Return the standard error of `mean F - ratio mean C` in a design, and its degrees of freedom.

    It is the error that the crossed t is expected to state. Where the arms find the same initial
    conditions hard, half of its estimates of that variance are negative and taken for zero: on average
    it states more than there is, which costs power where episodes are few.

    Args:
        variances: What was seen or is assumed.
        seeds: Training seeds an arm.
        episodes: Initial conditions a task.
        ratio: 1 for the difference.

    Source: Satterthwaite 1946, Biometrics Bulletin 2, 110-114.

    Raises:
        ResultsError: There are fewer than two seeds or two episodes.
    """
    if min(seeds, episodes) < 2:
        raise ResultsError(
            "the crossed t needs two seeds and two episodes",
            key="seeds, episodes",
            value=(seeds, episodes),
            remedy="plan with more, or speak of these checkpoints only",
        )
    tasks = variances.tasks
    weights, contrast = np.array([1.0, ratio**2]), np.array([1.0, -ratio])
    residual = variances.residual.mean(axis=1)  # (arm,)
    of_seeds = weights * (variances.between_seeds + residual / (tasks * episodes)) / seeds

    # A pilot's tasks are averaged: each alone says little.
    own = float(contrast @ variances.conditions.mean(axis=0) @ contrast) / episodes
    own = max(own, 0.0)
    noisy = own + float(weights @ residual) / (seeds * episodes)
    stated = _expected_positive_part(own, noisy * math.sqrt(2 / (episodes - 1)))
    variance = float(of_seeds.sum()) + stated / tasks
    spread = float((of_seeds**2).sum()) / (seeds - 1) + noisy**2 / tasks**3 / (episodes - 1)
    fewest = seeds - 1.0
    df = max(variance**2 / spread, fewest) if spread > 0 else fewest
    return math.sqrt(variance), df


def _expected_positive_part(mean: float, sd: float) -> float:
    """Return the expectation of what a normal estimate is above zero."""
    if sd == 0:
        return mean
    standard = mean / sd
    density = math.exp(-(standard**2) / 2) / math.sqrt(2 * math.pi)
    return mean * float(ndtr(standard)) + sd * density


def _check(
    success: float, seed_sd: float, pair_correlation: float, tasks: int, ratio: float
) -> None:
    rules = {
        "success": (success, 0 < success < 1, "a share between 0 and 1, both excluded"),
        "seed_sd": (seed_sd, seed_sd >= 0, "five points of success as 0.05"),
        "pair_correlation": (pair_correlation, 0 <= pair_correlation < 1, "0 or more, below 1"),
        "tasks": (tasks, tasks >= 1, "at least 1"),
        "ratio": (ratio, 0 < ratio * success < 1, "so that the candidate's success is a share"),
    }
    for key, (value, good, remedy) in rules.items():
        if not good:
            raise ResultsError(
                "an assumption is out of its range", key=key, value=value, remedy=f"write {remedy}"
            )
