"""Two arms, each trained with several seeds, on shared tasks and initial conditions: the crossed t.

Training seeds and initial conditions are both samples of what could have been, and every seed meets
every initial condition: the two are crossed. An interval over pooled episodes takes the seeds for
granted and covers 0.5 to 0.9 where it claims 0.95; this one covers 0.95 to 0.97. It speaks of training
anew, on these tasks.

For arms F (candidate) and C (reference) with S seeds, T tasks and N initial conditions a task, the
variance of `mean F - r * mean C` is

    s2_F / S_F + r^2 s2_C / S_C + sum_t max(v2_t - ve_t, 0) / T^2

    s2    variance of an arm's seed means
    v2_t  variance over initial conditions of `mean_s F - r mean_s C`, over N
    ve_t  the part of v2_t that comes from the finite number of seeds and is in s2 already: the arms'
          two-way residual mean squares over S N, the reference's times r^2

with Satterthwaite's degrees of freedom, at least the smaller S - 1. r = 1 gives the difference; the
ratios r at which `mean F - r mean C` is not told from zero are the interval of the ratio, as in
Fieller's theorem.

Any metric will do: success, time until it (`fedarm.stats.restricted_time`), smoothness, held-out loss. A
ratio needs values from 0 up; a metric that can be negative, such as SPARC, has a difference only.
Nothing here knows whether more is better. Where less is, as of time and loss, the evidence for the
candidate is `p_less_one_sided`, and what it keeps of the reference's quality is the ratio with the arms
exchanged.

Source: Satterthwaite 1946, Biometrics Bulletin 2, 110-114; Fieller 1954, JRSS B 16, 175-185.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.optimize import brentq
from scipy.special import stdtr, stdtrit

from fedarm.errors import ResultsError
from fedarm.stats.interval import CONFIDENCE, Interval, normal_quantile

Values = npt.NDArray[np.float64]

_GRID_POINTS = 513
_LARGEST_RATIO = 1e9
# Means of thirds and twentieths leave variances of 1e-33 where there is none, in units of the largest
# value's square.
_ROUNDING_VARIANCE = 1e-20
# Two equal variances differ by a hair, which must not pass for a tiny variance where there is none.
_ROUNDING = 1e-12


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


@dataclass(frozen=True)
class CrossedComponents:
    """What the values of two arms come down to; the variance at any ratio follows.

    The fields of an arm have one entry for the candidate and one for the reference.

    Attributes:
        seeds: Training seeds `(arm,)`.
        initial_conditions: Initial conditions a task, N.
        means: Mean value `(arm,)`.
        seed_variance: Variance of the seed means, s2 `(arm,)`.
        residual: Two-way residual mean square `(arm, task)`.
        covariance: Of the arms' means over seeds, over initial conditions `(task, arm, arm)`.
        scale: The largest absolute value; what is tiny beside it is rounding.
    """

    seeds: tuple[int, int]
    initial_conditions: int
    means: npt.NDArray[np.float64]
    seed_variance: npt.NDArray[np.float64]
    residual: npt.NDArray[np.float64]
    covariance: npt.NDArray[np.float64]
    scale: float = 1.0

    @property
    def tasks(self) -> int:
        """The number of tasks, T."""
        return self.residual.shape[1]

    def variance(self, ratio: npt.ArrayLike = 1.0) -> tuple[Values, Values]:
        """Return the variance of `mean F - ratio * mean C` and its degrees of freedom.

        Args:
            ratio: One ratio or several, `(ratio,)`.
        """
        r = np.atleast_1d(np.asarray(ratio, dtype=np.float64))
        seeds = np.array(self.seeds, dtype=np.float64)
        weights = np.stack([np.ones_like(r), r**2])  # (arm, ratio)
        of_seeds = weights * (self.seed_variance / seeds)[:, np.newaxis]
        contrast = np.stack([np.ones_like(r), -r])
        observed = np.einsum("ar,tab,br->tr", contrast, self.covariance, contrast)
        observed = observed / self.initial_conditions
        from_seeds = np.einsum("ar,at->tr", weights, self.residual / seeds[:, np.newaxis])
        from_seeds = from_seeds / self.initial_conditions
        excess = observed - from_seeds
        of_conditions = np.where(excess > _ROUNDING * observed, excess, 0.0) / self.tasks**2
        total = of_seeds.sum(axis=0) + of_conditions.sum(axis=0)
        rounding = _ROUNDING_VARIANCE * self.scale**2
        df = _satterthwaite(
            total,
            [
                (of_seeds, seeds[:, np.newaxis] - 1),
                (observed / self.tasks**2, np.array(self.initial_conditions - 1.0)),
            ],
            floor=min(self.seeds) - 1,
            rounding=rounding,
        )
        return np.where(total > rounding, total, 0.0), df


def crossed_components(candidate: Values, reference: Values) -> CrossedComponents:
    """Reduce two arms' values to means and variances.

    Args:
        candidate: Values of a metric `(seed, task, initial_condition)`.
        reference: Values of the same shape; only the number of seeds may differ.

    Raises:
        ResultsError: The shapes do not match, a value is not finite, or there are fewer than two seeds
            or two initial conditions.
    """
    arms = (_checked(candidate, "candidate"), _checked(reference, "reference"))
    if arms[0].shape[1:] != arms[1].shape[1:]:
        raise ResultsError(
            "both arms must have met the same tasks and initial conditions",
            key="(task, initial_condition)",
            value=(arms[0].shape[1:], arms[1].shape[1:]),
            remedy="leave out what one arm has not met, for both",
        )
    over_seeds = np.stack([arm.mean(axis=0) for arm in arms])  # (arm, task, initial_condition)
    centred = over_seeds - over_seeds.mean(axis=2, keepdims=True)
    conditions = arms[0].shape[2]
    return CrossedComponents(
        seeds=(len(arms[0]), len(arms[1])),
        initial_conditions=conditions,
        means=np.array([arm.mean() for arm in arms]),
        seed_variance=np.array([arm.mean(axis=(1, 2)).var(ddof=1) for arm in arms]),
        residual=np.stack([_residual_mean_square(arm) for arm in arms]),
        covariance=np.einsum("ati,bti->tab", centred, centred) / (conditions - 1),
        scale=max(float(np.abs(arm).max()) for arm in arms),
    )


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
    if abs(distance) <= math.sqrt(_ROUNDING_VARIANCE) * components.scale:
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


def _satterthwaite(
    total: Values, parts: list[tuple[Values, Values]], *, floor: int, rounding: float
) -> Values:
    """Return the degrees of freedom of a sum of variances `(part, ratio)`, at least `floor`."""
    spread = sum(((part**2 / df).sum(axis=0) for part, df in parts), start=np.zeros_like(total))
    df = np.full_like(total, float(floor))
    np.divide(total**2, spread, out=df, where=spread > rounding**2)
    return np.maximum(df, float(floor))


def _residual_mean_square(arm: Values) -> Values:
    """Return the mean square of what seed and initial condition do not explain, a task `(task,)`."""
    seeds, _, conditions = arm.shape
    residual = (
        arm
        - arm.mean(axis=0, keepdims=True)
        - arm.mean(axis=2, keepdims=True)
        + arm.mean(axis=(0, 2), keepdims=True)
    )
    mean_square: Values = (residual**2).sum(axis=(0, 2)) / ((seeds - 1) * (conditions - 1))
    return mean_square


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


def _checked(values: Values, name: str) -> Values:
    array = np.asarray(values, dtype=np.float64)
    if array.ndim != 3 or array.size == 0:
        raise ResultsError(
            "values must be (seed, task, initial condition), with at least one of each",
            key=name,
            value=array.shape,
            remedy="check which rollouts were read",
        )
    if not np.isfinite(array).all():
        raise ResultsError(
            "values must be finite everywhere",
            key=name,
            remedy="leave out initial conditions that an arm has not met, for both arms",
        )
    if array.shape[0] < 2:
        raise ResultsError(
            "an interval over training seeds needs at least two seeds",
            key=f"{name} seeds",
            value=array.shape[0],
            remedy="train with more seeds, or speak of these checkpoints only",
        )
    if array.shape[2] < 2:
        raise ResultsError(
            "an interval over initial conditions needs at least two of them",
            key=f"{name} initial conditions",
            value=array.shape[2],
            remedy="roll out more episodes",
        )
    return array
