"""Robust summaries over runs: interquartile mean, probability of improvement.

Their intervals are those of `fedarm.stats.bootstrap`.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.stats import trim_mean

from fedarm.errors import ResultsError
from fedarm.stats.scores import finite_scores, scores_by_task


def interquartile_mean(scores: npt.ArrayLike) -> float:
    """Return the mean of the middle half of all scores, runs and tasks together.

    Source: Agarwal et al. 2021, "Deep Reinforcement Learning at the Edge of the Statistical Precipice",
    section 4.3.

    Raises:
        ResultsError: There are no scores, or one is not finite.
    """
    return float(trim_mean(finite_scores(scores, "scores"), proportiontocut=0.25, axis=None))


def probability_of_improvement(first: npt.ArrayLike, second: npt.ArrayLike) -> float:
    """Return how probably a run of the first arm beats one of the second, averaged over tasks.

    Ties count half: on a task it is the Mann-Whitney U over the product of the numbers of runs. Runs of
    the two arms may differ in number. Where less is better, exchange the arms.

    Args:
        first: Scores `(run, task)`.
        second: Scores `(run, task)` on the same tasks.

    Source: Agarwal et al. 2021, section 4.3.

    Raises:
        ResultsError: The tasks differ in number, there are no scores, or one is not finite.
    """
    one, two = scores_by_task(first, "first"), scores_by_task(second, "second")
    if one.shape[1] != two.shape[1]:
        raise ResultsError(
            "both arms need scores on the same tasks",
            key="tasks",
            value=(one.shape[1], two.shape[1]),
            remedy="leave out tasks that an arm has not met, for both arms",
        )
    wins = np.sign(one[:, np.newaxis] - two[np.newaxis])
    return float((0.5 + 0.5 * wins).mean())
