"""The smallest effect that a design could have shown, and the design that a smaller one takes.

The smallest detectable effect is the true difference between two arms that a two-sided test at 5 %
finds in 80 % of repetitions. It is at the same time the narrowest margin, in points of success, within
which arms that are truly equal would be found non-inferior in 80 % of repetitions.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.optimize import brentq
from scipy.special import ndtri, stdtrit
from scipy.stats import nct

from fedarm.stats.crossed import CrossedComponents
from fedarm.stats.interval import CONFIDENCE, Interval, normal_quantile

POWER = 0.8

_MOST_SEEDS = 64
# Above this the noncentral t is a normal to four digits, and its series slow.
_NORMAL_DF = 2000.0
_EPISODE_FACTORS = (1, 2, 4)
_WORTHWHILE = 0.8


@dataclass(frozen=True)
class Design:
    """How many training seeds, and how many episodes (initial conditions) a task and seed."""

    seeds: int
    episodes: int


def detectable(se: float, df: float = math.inf) -> float:
    """Return the smallest effect that an estimate with this standard error shows with 80 % power.

    Args:
        se: Standard error of the estimate.
        df: Its degrees of freedom; infinite for a score or normal interval.
    """
    if se == 0:
        return 0.0
    if df > _NORMAL_DF:
        return se * (normal_quantile(CONFIDENCE) + float(ndtri(POWER)))
    critical = float(stdtrit(df, (1 + CONFIDENCE) / 2))

    def missing(effect: float) -> float:
        return float(nct.sf(critical, df, effect)) - POWER

    return se * float(brentq(missing, 0.0, 4 * critical + 4, xtol=1e-10))


def detectable_from_interval(interval: Interval) -> float:
    """Return the smallest effect that a score interval of this width shows with 80 % power."""
    return detectable(interval.half_width / normal_quantile(CONFIDENCE))


def projected_detectable(components: CrossedComponents, design: Design) -> float:
    """Return the smallest detectable difference of another design with the same variances.

    The variances are as uncertain as few seeds make them: an order of magnitude to plan with.

    Args:
        components: What was observed.
        design: At least two seeds and two episodes.
    """
    seeds = np.array(components.seeds, dtype=np.float64)
    residual = components.residual.mean(axis=1)  # (arm,)
    cells = components.tasks * components.initial_conditions
    between_seeds = np.maximum(components.seed_variance - residual / cells, 0.0)
    difference = np.array([1.0, -1.0])
    observed = np.einsum("a,tab,b->t", difference, components.covariance, difference)
    noise = (components.residual / seeds[:, np.newaxis]).sum(axis=0)
    between_conditions = np.maximum(observed - noise, 0.0)  # (task,)

    of_seeds = (between_seeds + residual / (components.tasks * design.episodes)) / design.seeds
    tasks_squared = components.tasks**2
    of_conditions = between_conditions / (design.episodes * tasks_squared)
    noisy = of_conditions + components.residual.sum(axis=0) / (
        design.seeds * design.episodes * tasks_squared
    )
    variance = float(of_seeds.sum() + of_conditions.sum())
    spread = float((of_seeds**2).sum()) / (design.seeds - 1)
    spread += float((noisy**2).sum()) / (design.episodes - 1)
    df = max(variance**2 / spread, design.seeds - 1.0) if spread > 0 else design.seeds - 1.0
    return detectable(math.sqrt(variance), df)


def designs_for(components: CrossedComponents, difference: float) -> tuple[Design, ...]:
    """Return the fewest seeds with which a difference can be shown, for one to four times the episodes.

    Numbers of episodes that no number of seeds up to 64 helps are left out, and so are those that save
    less than a fifth of the seeds.
    """
    found: list[Design] = []
    for factor in _EPISODE_FACTORS:
        episodes = factor * components.initial_conditions
        seeds = _fewest_seeds(components, episodes, difference)
        if seeds is not None and (not found or seeds <= _WORTHWHILE * found[-1].seeds):
            found.append(Design(seeds, episodes))
    return tuple(found)


def _fewest_seeds(components: CrossedComponents, episodes: int, difference: float) -> int | None:
    """Bisect: more seeds never detect less."""
    low, high = 2, _MOST_SEEDS
    if projected_detectable(components, Design(high, episodes)) > difference:
        return None
    while low < high:
        middle = (low + high) // 2
        if projected_detectable(components, Design(middle, episodes)) <= difference:
            high = middle
        else:
            low = middle + 1
    return low
