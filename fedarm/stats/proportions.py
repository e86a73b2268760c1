"""Intervals of one proportion, and of the difference of two independent ones."""

from __future__ import annotations

import math

from scipy.special import betaincinv

from fedarm.errors import ResultsError
from fedarm.stats.interval import CONFIDENCE, Interval, normal_quantile


def wilson(successes: float, trials: float, *, confidence: float = CONFIDENCE) -> Interval:
    """Return Wilson's score interval of a proportion.

    Source: Wilson 1927; method 3 of Newcombe 1998, Statistics in Medicine 17, 857-872.

    Raises:
        ResultsError: There are no trials, or not 0 <= successes <= trials.
    """
    _check(successes, trials)
    z = normal_quantile(confidence)
    centre = successes + z**2 / 2
    spread = z * math.sqrt(successes * (trials - successes) / trials + z**2 / 4)
    total = trials + z**2
    # The ends are exact at no and at all successes; rounding would leave them a hair off.
    low = 0.0 if successes == 0 else (centre - spread) / total
    high = 1.0 if successes == trials else (centre + spread) / total
    return Interval(low, high)


def clopper_pearson(successes: int, trials: int, *, confidence: float = CONFIDENCE) -> Interval:
    """Return the exact interval of a proportion, which covers at least as often as it says.

    Source: Clopper and Pearson 1934, Biometrika 26, 404-413.

    Raises:
        ResultsError: There are no trials, or not 0 <= successes <= trials.
    """
    _check(successes, trials)
    normal_quantile(confidence)
    tail = (1 - confidence) / 2
    failures = trials - successes
    low = 0.0 if successes == 0 else float(betaincinv(successes, failures + 1, tail))
    high = 1.0 if failures == 0 else float(betaincinv(successes + 1, failures, 1 - tail))
    return Interval(low, high)


def newcombe_unpaired(
    first: tuple[int, int], second: tuple[int, int], *, confidence: float = CONFIDENCE
) -> Interval:
    """Return Newcombe's interval of the difference of two independent proportions.

    Args:
        first: Successes and trials of the first group.
        second: Successes and trials of the second group.
        confidence: Two-sided confidence.

    Source: method 10 of Newcombe 1998, Statistics in Medicine 17, 873-890.

    Raises:
        ResultsError: A group has no trials, or not 0 <= successes <= trials.
    """
    one = wilson(*first, confidence=confidence)
    two = wilson(*second, confidence=confidence)
    p_one, p_two = first[0] / first[1], second[0] / second[1]
    difference = p_one - p_two
    return Interval(
        difference - math.hypot(p_one - one.low, two.high - p_two),
        difference + math.hypot(one.high - p_one, p_two - two.low),
    )


def _check(successes: float, trials: float) -> None:
    if not (0 < trials < math.inf and 0 <= successes <= trials):
        raise ResultsError(
            "successes must lie between 0 and the number of trials, which must be positive",
            key="successes/trials",
            value=(successes, trials),
            remedy="count them again",
        )
