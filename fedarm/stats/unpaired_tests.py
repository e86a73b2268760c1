"""Exact tests of two independent groups, as when arms met different initial conditions."""

from __future__ import annotations

import math
from typing import Literal

from scipy.stats import barnard_exact, boschloo_exact

from fedarm.errors import ResultsError

Alternative = Literal["two-sided", "less", "greater"]


def barnard(
    first: tuple[int, int], second: tuple[int, int], *, alternative: Alternative = "two-sided"
) -> float:
    """Return the p-value of Barnard's test that two success probabilities are equal.

    Args:
        first: Successes and failures of the first group.
        second: Successes and failures of the second group.
        alternative: "less" if the first group is expected to succeed less often.

    Source: Barnard 1947, Biometrika 34, 123-138.

    Raises:
        ResultsError: A count is negative or not whole, or a group is empty.
    """
    return float(barnard_exact(_table(first, second), alternative=alternative).pvalue)


def boschloo(
    first: tuple[int, int], second: tuple[int, int], *, alternative: Alternative = "two-sided"
) -> float:
    """Return the p-value of Boschloo's test, uniformly more powerful than Fisher's.

    Arguments as for `barnard`.

    Source: Boschloo 1970, Statistica Neerlandica 24, 1-9.

    Raises:
        ResultsError: A count is negative or not whole, or a group is empty.
    """
    return float(boschloo_exact(_table(first, second), alternative=alternative).pvalue)


def _table(first: tuple[int, int], second: tuple[int, int]) -> list[list[int]]:
    """Return the 2 x 2 table, a column a group."""
    for name, group in (("first", first), ("second", second)):
        # scipy would cut fractions off.
        whole = all(math.isfinite(count) and count == int(count) for count in group)
        if not whole or min(group) < 0 or sum(group) == 0:
            raise ResultsError(
                "a group has whole counts of successes and failures from 0, and at least one trial",
                key=name,
                value=group,
                remedy="count them again",
            )
    return [[first[0], second[0]], [first[1], second[1]]]
