"""Two arms, each trained with several seeds, on shared tasks and initial conditions: the crossed t.

Training seeds and initial conditions are both samples of what could have been, and every seed meets
every initial condition: the two are crossed. An interval over pooled episodes takes the seeds for
granted and covers 0.5 to 0.9 where it claims 0.95; this one covers 0.97 on average, and more with few
seeds on few tasks (docs/coverage.md). It speaks of training anew, on these tasks.

`fedarm.stats.crossed_components` has the variance of `mean F - r * mean C` for arms F (candidate) and C
(reference). r = 1 gives the difference; the ratios r at which `mean F - r mean C` is not told from zero
are the interval of the ratio, as in Fieller's theorem.

Any metric will do: success, time until it (`fedarm.stats.restricted_time`), smoothness, held-out loss. A
ratio needs values from 0 up; a metric that can be negative, such as SPARC, has a difference only.
Nothing here knows whether more is better. Where less is, as of time and loss, the evidence for the
candidate is `p_less_one_sided`, and what it keeps of the reference's quality is the ratio with the arms
exchanged.

Source: Fieller 1954, JRSS B 16, 175-185.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.optimize import brentq
from scipy.special import stdtr, stdtrit

from fedarm.errors import ResultsError
from fedarm.stats.crossed_components import (
    ROUNDING_VARIANCE,
    CrossedComponents,
    Values,
    crossed_components,
)
from fedarm.stats.interval import CONFIDENCE, Interval, normal_quantile

_GRID_POINTS = 513
_LARGEST_RATIO = 1e9


@dataclass(frozen=True)
class CrossedEstimate:
    """An estimate with its standard error, degrees of freedom and interval."""

    estimate: float
    se: float
    df: float
    interval: Interval


@dataclass(frozen=True)
class CrossedTest:
    """The crossed t of `mean F - ratio * mean C`, and p-values that it is zero.

    Attributes:
        t: The difference over its standard error; infinite without any variance.
        df: Degrees of freedom.
        p_greater_one_sided: Small when the candidate has more than `ratio` times the reference.
        p_less_one_sided: Small when it has less.
        p_two_sided: Small when either.
    """

    t: float
    df: float
    p_greater_one_sided: float
    p_less_one_sided: float
    p_two_sided: float


def crossed_t_difference(
    candidate: Values, reference: Values, *, confidence: float = CONFIDENCE
) -> CrossedEstimate:
    """Return the interval of candidate less reference over training seeds and initial conditions.

    Arguments as for `crossed_components`. Without any variance the interval has no width: then it says
    nothing, and `fedarm.stats.comparison` falls back on pairs.

    Raises:
        ResultsError: As for `crossed_components`.
    """
    normal_quantile(confidence)
    components = crossed_components(candidate, reference)
    variance, df = components.variance()
    se = math.sqrt(float(variance[0]))
    difference = float(components.means[0] - components.means[1])
    reach = float(stdtrit(df[0], (1 + confidence) / 2)) * se
    return CrossedEstimate(
        difference, se, float(df[0]), Interval(difference - reach, difference + reach)
    )


def crossed_t_test(candidate: Values, reference: Values, *, ratio: float = 1.0) -> CrossedTest:
    """Test whether the candidate's mean is `ratio` times the reference's.

    With `ratio = 1 - margin`, `p_greater_one_sided` tests non-inferiority of a metric of which more is
    better. `p_two_sided` at 1 is below 0.05 exactly when the 95 % interval of the difference leaves out
    zero. Candidate and reference as for `crossed_components`.

    Raises:
        ResultsError: As for `crossed_components`; or the ratio is not a positive number, or it is not 1
            and a value is negative.
    """
    _refuse_impossible(ratio)
    components = crossed_components(candidate, reference)
    if ratio != 1:
        _refuse_negative(candidate, reference)
    variance, degrees = components.variance(ratio)
    distance = float(components.means[0] - ratio * components.means[1])
    se, df = math.sqrt(float(variance[0])), float(degrees[0])
    if abs(distance) <= math.sqrt(ROUNDING_VARIANCE) * components.scale:
        t = 0.0
    else:
        t = distance / se if se > 0 else math.copysign(math.inf, distance)
    return CrossedTest(
        t=t,
        df=df,
        p_greater_one_sided=float(stdtr(df, -t)),
        p_less_one_sided=float(stdtr(df, t)),
        p_two_sided=2 * float(stdtr(df, -abs(t))),
    )


def crossed_t_ratio(
    candidate: Values, reference: Values, *, confidence: float = CONFIDENCE
) -> CrossedEstimate:
    """Return the interval of candidate over reference, all ratios that the crossed t does not reject.

    The high end is infinite when the reference's mean is not told from zero. `se` is that of
    `mean F - r mean C` at the estimate, over the reference's mean, and `df` belongs to it.

    Arguments as for `crossed_components`.

    Raises:
        ResultsError: As for `crossed_components`, or a value is negative.
    """
    normal_quantile(confidence)
    components = crossed_components(candidate, reference)
    _refuse_negative(candidate, reference)
    top, bottom = (float(mean) for mean in components.means)
    if bottom <= 0:
        estimate = math.inf if top > 0 else math.nan
        return CrossedEstimate(estimate, math.nan, math.nan, Interval(0.0, math.inf))
    ratio = top / bottom
    variance, df = components.variance(ratio)
    return CrossedEstimate(
        ratio,
        math.sqrt(float(variance[0])) / bottom,
        float(df[0]),
        _invert(components, ratio, confidence),
    )


def _invert(components: CrossedComponents, estimate: float, confidence: float) -> Interval:
    """Return the outermost ratios, either side of the estimate, that are not rejected."""

    def rejection(ratio: npt.ArrayLike) -> Values:
        r = np.atleast_1d(np.asarray(ratio, dtype=np.float64))
        variance, df = components.variance(r)
        distance = np.abs(components.means[0] - r * components.means[1])
        return np.asarray(distance - stdtrit(df, (1 + confidence) / 2) * np.sqrt(variance))

    def crossing(first: float) -> float:
        """Find the crossing nearest to `first`, a rejected ratio."""
        grid = np.linspace(first, estimate, _GRID_POINTS)
        # The estimate itself is never rejected, also when it has no variance and rounding says so.
        accepted = int(np.argmax(np.append(rejection(grid[:-1]) <= 0, True)))
        rejected, kept = float(grid[accepted - 1]), float(grid[accepted])
        if rejection(kept)[0] >= 0:
            return kept
        return float(brentq(lambda r: float(rejection(r)[0]), rejected, kept, xtol=1e-13))

    low, high = 0.0, math.inf
    if rejection(0.0)[0] > 0:
        low = crossing(0.0)
    # At a huge ratio only the reference counts: it is rejected if that is told from zero.
    if rejection(_LARGEST_RATIO)[0] > 0:
        beyond = 2 * estimate + 1
        while rejection(beyond)[0] <= 0:
            beyond *= 2
        high = crossing(beyond)
    return Interval(low, high)


def _refuse_impossible(ratio: float) -> None:
    if not (ratio > 0 and math.isfinite(ratio)):
        raise ResultsError(
            "a ratio is a positive number",
            key="ratio",
            value=ratio,
            remedy="write a loss of ten percent as 0.9",
        )


def _refuse_negative(candidate: Values, reference: Values) -> None:
    for name, values in (("candidate", candidate), ("reference", reference)):
        lowest = float(np.min(values))
        if lowest < 0:
            raise ResultsError(
                "a ratio of means needs values from 0 up",
                key=name,
                value=lowest,
                remedy="compare a metric that can be negative by its difference",
            )
