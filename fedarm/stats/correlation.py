"""Whether one number ranks runs as another does, for example loss against success."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.stats import rankdata

from fedarm.errors import ResultsError

_FEWEST_POINTS = 3


def spearman(x: npt.ArrayLike, y: npt.ArrayLike) -> float | None:
    """Return Spearman's rank correlation, ties at their mean rank.

    None when it says nothing: fewer than three points, or a side whose values are all equal. There is no
    p-value, because runs that share a seed or a base are not independent.

    Source: Spearman 1904, American Journal of Psychology 15, 72-101.

    Raises:
        ResultsError: The sides differ in length, or hold NaN or infinity.
    """
    left, right = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
    if left.shape != right.shape or left.ndim != 1:
        raise ResultsError(
            "a correlation needs two lists of the same length",
            key="shape",
            value=(left.shape, right.shape),
            remedy="leave out runs that lack one of the numbers",
        )
    if not (np.isfinite(left).all() and np.isfinite(right).all()):
        raise ResultsError(
            "a correlation needs finite numbers",
            key="values",
            remedy="leave out runs that lack one of the numbers",
        )
    if len(left) < _FEWEST_POINTS or np.ptp(left) == 0 or np.ptp(right) == 0:
        return None
    ranks = np.vstack([rankdata(left), rankdata(right)])
    return float(np.clip(np.corrcoef(ranks)[0, 1], -1.0, 1.0))
