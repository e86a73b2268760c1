"""What fedarm says of many studies of one design.

Studies without a variance, where `fedarm.stats.comparison.compare` falls back on score intervals, and
those whose reference never succeeds, go through `compare` itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from fedarm.stats.comparison import Comparison, compare

from .batch import Arm, Batch

Flags = NDArray[np.bool_]

# Rounding leaves a hair of variance where there is none; what is this small goes through `compare`.
_SUSPICIOUS_VARIANCE = 1e-12


@dataclass(frozen=True)
class Verdicts:
    """What is said of each study `(study,)`, given the truth.

    Attributes:
        difference_covers: The interval of the difference holds the true difference.
        ratio_covers: The interval of the ratio holds the true ratio.
        different: The interval of the difference excludes zero.
        above: The low end of the ratio's interval exceeds the true ratio. At a true ratio of exactly
            1 - margin this is a false "non-inferior within margin".
        fallback: Score intervals stood in for the crossed t.
    """

    difference_covers: Flags
    ratio_covers: Flags
    different: Flags
    above: Flags
    fallback: Flags


def judge(
    candidate: NDArray[np.bool_], reference: NDArray[np.bool_], *, success: float, ratio: float
) -> Verdicts:
    """Judge studies `(study, seed, task, episode)` whose truth is known.

    Args:
        candidate: Outcomes of the candidate.
        reference: Outcomes of the reference.
        success: True success of the reference.
        ratio: True success of the candidate over that of the reference.
    """
    batch = Batch(Arm.of(candidate), Arm.of(reference))
    means = batch.candidate.mean, batch.reference.mean
    of_one, at_truth = batch.reach(), batch.reach(ratio)
    distance = means[0] - ratio * means[1]
    difference = means[0] - means[1]
    found = Verdicts(
        difference_covers=np.abs(difference - (ratio - 1) * success) <= of_one,
        ratio_covers=np.abs(distance) <= at_truth,
        different=np.abs(difference) > of_one,
        above=distance > at_truth,
        fallback=np.zeros(len(candidate), dtype=bool),
    )
    for index in np.flatnonzero(_suspicious(batch)):
        comparison = _compare(candidate[index], reference[index])
        _replace(found, int(index), comparison, success, ratio)
    return found


def _suspicious(batch: Batch) -> Flags:
    """Return which studies may have an interval without width, or no ratio."""
    undefined = batch.reference.mean == 0
    estimate = batch.candidate.mean / np.where(undefined, 1, batch.reference.mean)
    variances = batch.variance()[0], batch.variance(estimate)[0]
    return undefined | (np.minimum(*variances) < _SUSPICIOUS_VARIANCE)


def _compare(candidate: Flags, reference: Flags) -> Comparison:
    """Compare two arms `(seed, task, episode)`; episodes in order, so that like studies are alike."""
    both = np.concatenate([candidate, reference])
    code = np.einsum("s,ste->te", 2.0 ** np.arange(len(both)), both)
    both = np.take_along_axis(both, np.argsort(code, axis=1)[np.newaxis], axis=2)
    return _compare_bytes(both.tobytes(), (len(candidate), *both.shape))


@lru_cache(maxsize=100_000)
def _compare_bytes(outcomes: bytes, shape: tuple[int, int, int, int]) -> Comparison:
    seeds, *both = shape
    arms = np.frombuffer(outcomes, dtype=bool).reshape(both).astype(np.float64)
    return compare(arms[:seeds], arms[seeds:])


def _replace(
    found: Verdicts, index: int, comparison: Comparison, success: float, ratio: float
) -> None:
    difference_ci, ratio_ci = comparison.difference_ci, comparison.ratio_ci
    truth = (ratio - 1) * success
    found.difference_covers[index] = difference_ci.low <= truth <= difference_ci.high
    found.ratio_covers[index] = ratio_ci.low <= ratio <= ratio_ci.high
    found.different[index] = not difference_ci.low <= 0 <= difference_ci.high
    found.above[index] = ratio_ci.low > ratio
    found.fallback[index] = comparison.level == "checkpoints"
