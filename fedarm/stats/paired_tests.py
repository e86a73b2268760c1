"""McNemar's tests of two arms on the same initial conditions, and Holm's correction for several."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import chdtrc
from scipy.stats import binom

from fedarm.errors import ResultsError


@dataclass(frozen=True)
class McNemar:
    """p-values of the hypothesis that both arms succeed equally often."""

    exact_p_two_sided: float
    mid_p_two_sided: float
    asymptotic_p_two_sided: float


def mcnemar(first_only: int, second_only: int) -> McNemar:
    """Test whether two arms succeed equally often; pairs with equal outcomes do not count.

    The exact test is conservative, the mid-p test is the one to prefer. The asymptotic test has no
    continuity correction. Without a discordant pair nothing speaks against equality: all are 1.

    Args:
        first_only: Pairs in which only the first arm succeeded.
        second_only: Pairs in which only the second arm succeeded.

    Source: Fagerland, Lydersen and Laake 2013, BMC Medical Research Methodology 13:91.

    Raises:
        ResultsError: A count is negative or not whole.
    """
    for name, count in (("first_only", first_only), ("second_only", second_only)):
        if not math.isfinite(count) or count < 0 or count != int(count):
            raise ResultsError(
                "McNemar's tests need whole counts of pairs",
                key=name,
                value=count,
                remedy="count the pairs of one checkpoint of each arm",
            )
    discordant = first_only + second_only
    if discordant == 0:
        return McNemar(1.0, 1.0, 1.0)
    fewer = min(first_only, second_only)
    at_most = float(binom.cdf(fewer, discordant, 0.5))
    equal = float(binom.pmf(fewer, discordant, 0.5))
    # With equal counts the observed outcome is the middle one and not in both tails.
    mid_p = 1 - equal / 2 if first_only == second_only else 2 * at_most - equal
    statistic = (first_only - second_only) ** 2 / discordant
    return McNemar(min(2 * at_most, 1.0), mid_p, float(chdtrc(1, statistic)))


def holm(p_values: Sequence[float]) -> tuple[float, ...]:
    """Return p-values adjusted so that the chance of any false rejection stays at the level.

    Source: Holm 1979, Scandinavian Journal of Statistics 6, 65-70.

    Raises:
        ResultsError: A value is not within 0 to 1.
    """
    values = np.asarray(p_values, dtype=np.float64)
    if not bool(np.all((values >= 0) & (values <= 1))):
        raise ResultsError(
            "p-values must lie within 0 and 1",
            key="p_values",
            value=list(p_values),
            remedy="leave out comparisons without a p-value",
        )
    order = np.argsort(values, kind="stable")
    steps = np.arange(len(values), 0, -1) * values[order]
    adjusted = np.empty_like(values)
    adjusted[order] = np.minimum(np.maximum.accumulate(steps), 1.0)
    return tuple(float(value) for value in adjusted)
