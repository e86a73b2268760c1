"""The smallest effect that a design could have shown, and the design that a smaller one takes.

The smallest detectable effect is the true difference between two arms that a two-sided test at 5 %
finds in 80 % of repetitions. It is at the same time the narrowest margin, in points of success, within
which arms that are truly equal would be found non-inferior in 80 % of repetitions.

The verdict is on the ratio: the power to show it follows from the same variances, with the reference's
success weighed by the ratio that is tested.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from scipy.optimize import brentq
from scipy.special import ndtr, ndtri, stdtrit
from scipy.stats import nct

from fedarm.errors import ResultsError
from fedarm.stats.interval import CONFIDENCE, Interval, normal_quantile
from fedarm.stats.variances import Variances, projected_error

POWER = 0.8
MOST_SEEDS = 64

# Above this the noncentral t is a normal to four digits, and its series slow.
_NORMAL_DF = 2000.0
_EPISODE_FACTORS = (1, 2, 4)
_WORTHWHILE = 0.8


@dataclass(frozen=True)
class Design:
    """How many training seeds, and how many episodes (initial conditions) a task and seed."""

    seeds: int
    episodes: int


def detectable(se: float, df: float = math.inf, *, power: float = POWER) -> float:
    """Return the smallest effect that an estimate with this standard error shows with some power.

    Args:
        se: Standard error of the estimate.
        df: Its degrees of freedom; infinite for a score or normal interval.
        power: The chance to show it, above the 2.5 % of chance alone.

    Raises:
        ResultsError: The power is not between 0.025 and 1.
    """
    _check_power(power)
    if se == 0:
        return 0.0
    if df > _NORMAL_DF:
        return se * (normal_quantile(CONFIDENCE) + float(ndtri(power)))

    def missing(effect: float) -> float:
        return power_to_show(effect, se=1.0, df=df) - power

    # Beyond this a normal misses the power, and the t's critical value scales what it needs.
    most = 4 * float(stdtrit(df, (1 + CONFIDENCE) / 2)) + 4
    while missing(most) < 0:
        most *= 2
    return se * float(brentq(missing, 0.0, most, xtol=1e-10))


def power_to_show(effect: float, *, se: float, df: float = math.inf) -> float:
    """Return the chance that the lower end of the 95 % interval lies above zero.

    Args:
        effect: The true value of what is estimated.
        se: Its standard error.
        df: Degrees of freedom; infinite for a score or normal interval.
    """
    if se == 0:
        return float(effect > 0)
    if df > _NORMAL_DF:
        return float(ndtr(effect / se - normal_quantile(CONFIDENCE)))
    critical = float(stdtrit(df, (1 + CONFIDENCE) / 2))
    return float(nct.sf(critical, df, effect / se))


def detectable_from_interval(interval: Interval, *, confidence: float = CONFIDENCE) -> float:
    """Return the smallest effect that a design shows with 80 % power, once it has come to its end.

    Args:
        interval: The score interval of such a design.
        confidence: The interval's; that of a look of a sequential plan is higher.
    """
    return detectable(interval.half_width / normal_quantile(confidence))


def detectable_difference(variances: Variances, design: Design, *, power: float = POWER) -> float:
    """Return the smallest difference in success that a design shows with some power.

    Raises:
        ResultsError: The design is too small, or the power not between 0.025 and 1.
    """
    se, df = projected_error(variances, seeds=design.seeds, episodes=design.episodes)
    return detectable(se, df, power=power)


def detectable_ratio(
    variances: Variances, design: Design, *, true_ratio: float = 1.0, power: float = POWER
) -> float | None:
    """Return the highest ratio below the true one that a design shows to be exceeded.

    With `true_ratio` 1 and a result of 0.86, arms that are truly equal are found non-inferior within
    14 %. None if not even a ratio of 0 is: the design cannot tell the candidate from one that fails.

    Raises:
        ResultsError: The design is too small, or the power not between 0.025 and 1.
    """
    _check_power(power)

    def surplus(ratio: float) -> float:
        return _power_above(variances, design, ratio=ratio, true_ratio=true_ratio) - power

    if surplus(0.0) < 0:
        return None
    return float(brentq(surplus, 0.0, true_ratio, xtol=1e-10))


def power_within(
    variances: Variances, design: Design, *, margin: float, true_ratio: float = 1.0
) -> float:
    """Return the chance that a design shows the candidate to be non-inferior within a margin.

    Args:
        variances: What was seen or is assumed.
        design: At least two seeds and two episodes.
        margin: Share of the reference's success that may be lost.
        true_ratio: The candidate's success over the reference's.

    Raises:
        ResultsError: The design is too small.
    """
    return _power_above(variances, design, ratio=1 - margin, true_ratio=true_ratio)


def fewest_seeds(
    variances: Variances,
    *,
    episodes: int,
    margin: float,
    true_ratio: float = 1.0,
    power: float = POWER,
) -> int | None:
    """Return the fewest training seeds, up to 64, that show non-inferiority within a margin.

    None where no such number does: the episodes are too few, or the truth is not within the margin.

    Raises:
        ResultsError: There are fewer than two episodes.
    """

    def suffices(seeds: int) -> bool:
        design = Design(seeds, episodes)
        return power_within(variances, design, margin=margin, true_ratio=true_ratio) >= power

    return _fewest(suffices)


def designs_for(variances: Variances, *, episodes: int, margin: float) -> tuple[Design, ...]:
    """Return designs that show non-inferiority of truly equal arms: the fewest seeds, by episodes.

    For one to four times a number of episodes. Those that no number of seeds up to 64 helps are left
    out, and so are those that save less than a fifth of the seeds.

    Args:
        variances: What was seen.
        episodes: Episodes a task and seed to start from, at least two.
        margin: Share of the reference's success that may be lost.
    """
    found: list[Design] = []
    for factor in _EPISODE_FACTORS:
        count = factor * episodes
        seeds = fewest_seeds(variances, episodes=count, margin=margin)
        if seeds is not None and (not found or seeds <= _WORTHWHILE * found[-1].seeds):
            found.append(Design(seeds, count))
    return tuple(found)


def _power_above(variances: Variances, design: Design, *, ratio: float, true_ratio: float) -> float:
    se, df = projected_error(variances, seeds=design.seeds, episodes=design.episodes, ratio=ratio)
    return power_to_show((true_ratio - ratio) * variances.success, se=se, df=df)


def _fewest(suffices: Callable[[int], bool]) -> int | None:
    """Bisect: more seeds never show less."""
    low, high = 2, MOST_SEEDS
    if not suffices(high):
        return None
    while low < high:
        middle = (low + high) // 2
        if suffices(middle):
            high = middle
        else:
            low = middle + 1
    return low


def _check_power(power: float) -> None:
    if not (1 - CONFIDENCE) / 2 < power < 1:
        raise ResultsError(
            "a power lies between the 0.025 of chance alone and 1",
            key="power",
            value=power,
            remedy="write 80 % as 0.8",
        )
