"""What the values of two arms with several training seeds come down to: means and variances.

For arms F (candidate) and C (reference) with S seeds, T tasks and N initial conditions a task, the
variance of `mean F - r * mean C` is

    s2_F / S_F + r^2 s2_C / S_C + sum_t max(v2_t - ve_t, 0) / T^2

    s2    variance of an arm's seed means
    v2_t  variance over initial conditions of `mean_s F - r mean_s C`, over N
    ve_t  the part of v2_t that comes from the finite number of seeds and is in s2 already: the arms'
          two-way residual mean squares over S N, the reference's times r^2

with Satterthwaite's degrees of freedom, at least the smaller S - 1.

Source: Satterthwaite 1946, Biometrics Bulletin 2, 110-114.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fedarm.errors import ResultsError

Values = npt.NDArray[np.float64]

# Means of thirds and twentieths leave variances of 1e-33 where there is none, in units of the largest
# value's square.
ROUNDING_VARIANCE = 1e-20
# Two equal variances differ by a hair, which must not pass for a tiny variance where there is none.
ROUNDING = 1e-12


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
        of_conditions = np.where(excess > ROUNDING * observed, excess, 0.0) / self.tasks**2
        total = of_seeds.sum(axis=0) + of_conditions.sum(axis=0)
        rounding = ROUNDING_VARIANCE * self.scale**2
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
