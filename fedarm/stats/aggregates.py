"""Robust summaries over runs: interquartile mean, probability of improvement."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.stats import trim_mean

from fedarm.errors import ResultsError

Scores = npt.NDArray[np.float64]


def interquartile_mean(scores: npt.ArrayLike) -> float:
    """Return the mean of the middle half of all scores, runs and tasks together.

    Source: Agarwal et al. 2021, "Deep Reinforcement Learning at the Edge of the Statistical Precipice",
    section 4.3.

    Raises:
        ResultsError: There are no scores, or one is not finite.
    """
    return float(trim_mean(_scores(scores, "scores"), proportiontocut=0.25, axis=None))


def probability_of_improvement(first: npt.ArrayLike, second: npt.ArrayLike) -> float:
    """Return how probably a run of the first arm beats one of the second, averaged over tasks.

    Ties count half. Runs of the two arms may differ in number.

    Args:
        first: Scores `(run, task)`.
        second: Scores `(run, task)` on the same tasks.

    Source: Agarwal et al. 2021, section 4.3.

    Raises:
        ResultsError: The tasks differ in number, there are no scores, or one is not finite.
    """
    one, two = _scores(first, "first"), _scores(second, "second")
    if one.ndim != 2 or two.ndim != 2 or one.shape[1] != two.shape[1]:
        raise ResultsError(
            "scores must be (run, task) with the same tasks",
            key="shape",
            value=(one.shape, two.shape),
            remedy="leave out tasks that an arm has not met, for both arms",
        )
    wins = np.sign(one[:, np.newaxis] - two[np.newaxis])
    return float((0.5 + 0.5 * wins).mean())


def _scores(values: npt.ArrayLike, name: str) -> Scores:
    scores = np.asarray(values, dtype=np.float64)
    if scores.size == 0 or not np.isfinite(scores).all():
        raise ResultsError(
            "scores must be finite, and at least one",
            key=name,
            remedy="leave out runs without a score",
        )
    return scores
