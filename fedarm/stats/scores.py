"""Scores of runs on tasks: what the summaries of Agarwal et al. 2021 work on."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from fedarm.errors import ResultsError

Scores = npt.NDArray[np.float64]


def finite_scores(values: npt.ArrayLike, name: str) -> Scores:
    """Return scores as an array.

    Raises:
        ResultsError: There are no scores, or one is not finite.
    """
    scores = np.asarray(values, dtype=np.float64)
    if scores.size == 0 or not np.isfinite(scores).all():
        raise ResultsError(
            "scores must be finite, and at least one",
            key=name,
            remedy="leave out runs without a score",
        )
    return scores


def scores_by_task(values: npt.ArrayLike, name: str) -> Scores:
    """Return scores as an array `(run, task)`.

    Raises:
        ResultsError: They are not of two dimensions, there are none, or one is not finite.
    """
    scores = finite_scores(values, name)
    if scores.ndim != 2:
        raise ResultsError(
            "scores must be (run, task)",
            key=f"{name} shape",
            value=scores.shape,
            remedy="average over episodes first",
        )
    return scores
