"""The score intervals of one pair of checkpoints, of many studies."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fedarm.stats.counts import PairedCounts
from fedarm.stats.difference import tango_z
from fedarm.stats.interval import CONFIDENCE, normal_quantile
from fedarm.stats.ratio import tang_nam_z


@dataclass(frozen=True)
class PairScores:
    """Score statistics at the truth `(study,)`: of Tango for the difference, of Tang and Nam.

    An interval holds the truth where its statistic is within 1.96, and its low end exceeds the truth
    where the statistic is above.
    """

    tango: NDArray[np.float64]
    tang_nam: NDArray[np.float64]

    @property
    def tango_coverage(self) -> float:
        """How often Tango's interval holds the true difference."""
        return float((np.abs(self.tango) <= normal_quantile(CONFIDENCE)).mean())

    @property
    def tang_nam_coverage(self) -> float:
        """How often Tang and Nam's interval holds the true ratio."""
        return float((np.abs(self.tang_nam) <= normal_quantile(CONFIDENCE)).mean())

    @property
    def above(self) -> float:
        """How often the low end of the ratio's interval exceeds the true ratio."""
        return float((self.tang_nam > normal_quantile(CONFIDENCE)).mean())


def score_pairs(
    candidate: NDArray[np.bool_], reference: NDArray[np.bool_], *, success: float, ratio: float
) -> PairScores:
    """Score studies of one seed `(study, 1, task, episode)`; arguments as for `verdicts.judge`."""
    pairs = np.stack([candidate & reference, candidate & ~reference, ~candidate & reference])
    counts = pairs.sum(axis=(2, 3, 4)).T
    trials = candidate[0].size
    tables, of_study = np.unique(counts, axis=0, return_inverse=True)
    scores = []
    for both, first_only, second_only in tables.tolist():
        table = PairedCounts(
            both, first_only, second_only, trials - both - first_only - second_only
        )
        difference = tango_z(table, difference=(ratio - 1) * success)
        scores.append((difference, tang_nam_z(table, ratio=ratio)))
    tango, tang_nam = np.array(scores)[of_study.ravel()].T
    return PairScores(tango, tang_nam)
