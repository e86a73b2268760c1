"""The stratified bootstrap: runs are drawn again within each task, arms apart from each other.

It takes a run's score on one task as independent of the same run's score on another. Here a run is a
checkpoint that meets every task, so a good seed is good on all of them, and few seeds hold few values
to draw from: the intervals are too narrow. They go with the figures of Agarwal et al. and never decide;
what decides is `fedarm.stats.crossed`.

Source: Agarwal et al. 2021, "Deep Reinforcement Learning at the Edge of the Statistical Precipice",
section 4.1; percentile intervals, Efron 1979, Annals of Statistics 7, 1-26.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from fedarm.errors import ResultsError
from fedarm.stats.interval import CONFIDENCE, Interval, normal_quantile
from fedarm.stats.scores import Scores, scores_by_task

RESAMPLES = 2000

# Takes the scores of one arm or more, each `(run, task)`, and returns a number or an array.
Statistic = Callable[..., npt.ArrayLike]


def bootstrap_interval(
    statistic: Statistic,
    *arms: npt.ArrayLike,
    rng: np.random.Generator,
    resamples: int = RESAMPLES,
    confidence: float = CONFIDENCE,
) -> Interval:
    """Return the percentile interval of a number, such as `interquartile_mean`.

    Args:
        statistic: A function of as many arrays as there are arms.
        arms: Scores `(run, task)`, an array an arm.
        rng: Where the draws come from: the same generator gives the same interval.
        resamples: How often the runs are drawn again.
        confidence: Two-sided confidence.

    Raises:
        ResultsError: As for `bootstrap_values`, or the confidence is not between 0 and 1.
    """
    normal_quantile(confidence)
    values = bootstrap_values(statistic, *arms, rng=rng, resamples=resamples)
    low, high = np.quantile(values, [(1 - confidence) / 2, (1 + confidence) / 2], axis=0)
    return Interval(float(low), float(high))


def bootstrap_values(
    statistic: Statistic,
    *arms: npt.ArrayLike,
    rng: np.random.Generator,
    resamples: int = RESAMPLES,
) -> npt.NDArray[np.float64]:
    """Return a statistic of runs drawn again with replacement, `(resample, ...)`.

    Args:
        statistic: As for `bootstrap_interval`, or one that returns an array of a fixed shape.
        arms: As for `bootstrap_interval`.
        rng: As for `bootstrap_interval`.
        resamples: As for `bootstrap_interval`.

    Raises:
        ResultsError: Scores are not `(run, task)`, one is not finite, or there are no resamples.
    """
    if resamples < 1:
        raise ResultsError(
            "a bootstrap needs resamples",
            key="resamples",
            value=resamples,
            remedy=f"leave it at {RESAMPLES}",
        )
    scores = [scores_by_task(arm, f"arm {index}") for index, arm in enumerate(arms)]
    return np.stack(
        [
            np.asarray(statistic(*(_draw(arm, rng) for arm in scores)), dtype=np.float64)
            for _ in range(resamples)
        ]
    )


def _draw(scores: Scores, rng: np.random.Generator) -> Scores:
    """Return as many runs a task, drawn for each task anew."""
    drawn = rng.integers(len(scores), size=scores.shape)
    return np.take_along_axis(scores, drawn, axis=0)
