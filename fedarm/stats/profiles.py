"""Performance profiles: which share of runs, over all tasks, scores above each threshold.

A profile that lies above another at every threshold is stochastically better; profiles that cross say
that the arms differ in spread. The area below it, from the lowest possible score, is the mean.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fedarm.errors import ResultsError
from fedarm.stats.bootstrap import RESAMPLES, bootstrap_values
from fedarm.stats.interval import CONFIDENCE, normal_quantile
from fedarm.stats.scores import Scores, scores_by_task


@dataclass(frozen=True)
class ProfileBand:
    """A performance profile with a pointwise band.

    Attributes:
        thresholds: Scores to exceed `(threshold,)`.
        share: Share of runs above each `(threshold,)`.
        low: Lower end of its interval `(threshold,)`.
        high: Upper end of its interval `(threshold,)`.
    """

    thresholds: npt.NDArray[np.float64]
    share: npt.NDArray[np.float64]
    low: npt.NDArray[np.float64]
    high: npt.NDArray[np.float64]


def performance_profile(
    scores: npt.ArrayLike, thresholds: npt.ArrayLike
) -> npt.NDArray[np.float64]:
    """Return the run-score distribution: the share of runs above each threshold, averaged over tasks.

    Where less is better, negate scores and thresholds.

    Args:
        scores: Scores `(run, task)`.
        thresholds: Scores to exceed, in any order `(threshold,)`.

    Source: Agarwal et al. 2021, section 4.2, run-score distribution: the mean over tasks m and runs n
    of `1[x_mn > tau]`, strictly above.

    Raises:
        ResultsError: Scores are not `(run, task)`, or there are none, or one or a threshold is not
            finite.
    """
    return _share_above(scores_by_task(scores, "scores"), _thresholds(thresholds))


def performance_band(
    scores: npt.ArrayLike,
    thresholds: npt.ArrayLike,
    *,
    rng: np.random.Generator,
    resamples: int = RESAMPLES,
    confidence: float = CONFIDENCE,
) -> ProfileBand:
    """Return a performance profile with the band of the stratified bootstrap.

    The band holds at one threshold, not at all of them at once, and is as narrow as
    `fedarm.stats.bootstrap` says.

    Args:
        scores: As for `performance_profile`.
        thresholds: As for `performance_profile`.
        rng: Where the draws come from.
        resamples: How often the runs are drawn again.
        confidence: Two-sided confidence.

    Raises:
        ResultsError: As for `performance_profile` and `bootstrap_interval`.
    """
    normal_quantile(confidence)
    checked, at = scores_by_task(scores, "scores"), _thresholds(thresholds)
    values = bootstrap_values(
        lambda drawn: _share_above(drawn, at), checked, rng=rng, resamples=resamples
    )
    low, high = np.quantile(values, [(1 - confidence) / 2, (1 + confidence) / 2], axis=0)
    return ProfileBand(at, _share_above(checked, at), low, high)


def _share_above(scores: Scores, thresholds: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    ranked = np.sort(scores, axis=None)
    above = len(ranked) - np.searchsorted(ranked, thresholds, side="right")
    return np.asarray(above / len(ranked), dtype=np.float64)


def _thresholds(values: npt.ArrayLike) -> npt.NDArray[np.float64]:
    thresholds = np.asarray(values, dtype=np.float64)
    if thresholds.ndim != 1 or not np.isfinite(thresholds).all():
        raise ResultsError(
            "thresholds must be a list of finite scores",
            key="thresholds",
            value=thresholds.shape,
            remedy="span the range of the scores evenly",
        )
    return thresholds
