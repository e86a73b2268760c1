"""The ratio of two paired proportions, first over second, by its score test."""

from __future__ import annotations

import math

from scipy.optimize import brentq
from scipy.special import ndtr

from fedarm.errors import ResultsError
from fedarm.stats.counts import PairedCounts
from fedarm.stats.interval import CONFIDENCE, Interval, normal_quantile

_TOLERANCE = 1e-13
# As in `difference`: the score function is zero at the estimate when no pair is discordant.
_STEP_OFF = 1e-9
_LARGEST_RATIO = 1e12


def tang_nam(counts: PairedCounts, *, confidence: float = CONFIDENCE) -> Interval:
    """Return the score interval of the ratio: all ratios that the score test does not reject.

    Without a success of the second arm the high end is infinite, without one of the first the low end
    is zero.

    Source: Nam and Blackwelder 2002, Statistics in Medicine 21, 689-699; Tang, Tang and Chan 2003,
    Statistics in Medicine 22, 1217-1233.
    """
    z = normal_quantile(confidence)
    return Interval(1 / _upper_end(counts.swapped(), z), _upper_end(counts, z))


def tang_nam_z(counts: PairedCounts, *, ratio: float) -> float:
    """Return the score statistic against a ratio; large when the first arm does better.

    With `ratio = 1 - margin` it tests non-inferiority of the first arm: reject inferiority when it
    exceeds 1.96 (one-sided 0.025).

    Source: Nam and Blackwelder 2002, equation 6.

    Raises:
        ResultsError: The ratio is not a positive number.
    """
    if not (ratio > 0 and math.isfinite(ratio)):
        raise ResultsError(
            "a ratio of proportions is a positive number",
            key="ratio",
            value=ratio,
            remedy="write a loss of ten percent as 0.9",
        )
    distance = counts.both + counts.first_only - ratio * (counts.both + counts.second_only)
    deviation = math.sqrt(tang_nam_variance(counts, ratio))
    if deviation == 0:
        return math.copysign(math.inf, distance) if distance else 0.0
    return distance / deviation


def tang_nam_p_greater_one_sided(counts: PairedCounts, *, ratio: float) -> float:
    """Return the p-value of the score test that the first arm keeps no more than a ratio.

    With `ratio = 1 - margin`, below 0.025 is non-inferior within the margin.

    Source: Nam and Blackwelder 2002, equation 6.

    Raises:
        ResultsError: The ratio is not a positive number.
    """
    return float(ndtr(-tang_nam_z(counts, ratio=ratio)))


def _upper_end(counts: PairedCounts, z: float) -> float:
    first, second = counts.both + counts.first_only, counts.both + counts.second_only
    if second == 0:
        return math.inf

    def score(ratio: float) -> float:
        return first - ratio * second + z * math.sqrt(tang_nam_variance(counts, ratio))

    start = first / second * (1 + _STEP_OFF) + _STEP_OFF
    end = 2 * start + 1
    while score(end) > 0:
        end *= 2
        if end > _LARGEST_RATIO:
            return math.inf
    return float(brentq(score, start, end, xtol=_TOLERANCE, rtol=8.9e-16))


def tang_nam_variance(counts: PairedCounts, ratio: float) -> float:
    """Return the variance of `first - ratio * second` successes when the true ratio is as given.

    The constrained estimate leaves the share of pairs without any success as observed, because the
    constraint does not change when the other three probabilities are scaled together.
    """
    n, a, b, c = counts.pairs, counts.both, counts.first_only, counts.second_only
    any_success = (a + b + c) / n
    square = n * (1 + ratio)
    linear = (a + c) * ratio**2 - (a + b + 2 * c)
    constant = c * (1 - ratio) * any_success
    root = math.sqrt(max(linear**2 - 4 * square * constant, 0.0))
    second_only = (root - linear) / (2 * square)
    first_only = (second_only + (ratio - 1) * any_success) / ratio
    return max(n * ratio * (first_only + second_only), 0.0)
