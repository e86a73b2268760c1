"""Outcomes of two arms on the same initial conditions, as a table of four counts."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fedarm.errors import ResultsError

Outcomes = npt.NDArray[np.float64]


@dataclass(frozen=True)
class PairedCounts:
    """How often both, one or neither of two arms succeeded on the same initial condition.

    Counts may be fractions when each pair is an average over training seeds.

    Raises:
        ResultsError: A count is negative or not finite, or all are zero.
    """

    both: float
    first_only: float
    second_only: float
    neither: float

    def __post_init__(self) -> None:
        for name, count in vars(self).items():
            if not math.isfinite(count) or count < 0:
                raise ResultsError(
                    "a count of pairs is a finite number from 0",
                    key=name,
                    value=count,
                    remedy="count the pairs again",
                )
        if self.pairs <= 0:
            raise ResultsError(
                "there are no pairs to compare",
                key="pairs",
                value=self.pairs,
                remedy="roll both arms out on the same initial conditions",
            )

    @property
    def pairs(self) -> float:
        """The number of pairs."""
        return self.both + self.first_only + self.second_only + self.neither

    @property
    def first(self) -> float:
        """The first arm's share of successes."""
        return (self.both + self.first_only) / self.pairs

    @property
    def second(self) -> float:
        """The second arm's share of successes."""
        return (self.both + self.second_only) / self.pairs

    @property
    def difference(self) -> float:
        """The first arm's share of successes less the second's."""
        return (self.first_only - self.second_only) / self.pairs

    @property
    def ratio(self) -> float:
        """The first arm's share over the second's; infinite or NaN when the second's is zero."""
        first, second = self.both + self.first_only, self.both + self.second_only
        if second > 0:
            return first / second
        return math.inf if first > 0 else math.nan

    def swapped(self) -> PairedCounts:
        """Return the same pairs with the arms exchanged."""
        return PairedCounts(self.both, self.second_only, self.first_only, self.neither)


def count_pairs(first: Outcomes, second: Outcomes) -> PairedCounts:
    """Count the pairs of two arms' outcomes on the same initial conditions.

    Args:
        first: Successes of any shape, each from 0 to 1; a fraction is a share over seeds and counts as
            outcomes of seeds that are independent given the initial condition.
        second: Successes of the same shape.

    Raises:
        ResultsError: The shapes differ, or a value is not within 0 to 1.
    """
    if first.shape != second.shape:
        raise ResultsError(
            "paired outcomes must have the same shape",
            key="shape",
            value=(first.shape, second.shape),
            remedy="roll both arms out on the same tasks and initial conditions",
        )
    for name, values in (("first", first), ("second", second)):
        # Written so that NaN, which compares as false, is refused too.
        if not bool(np.all((values >= 0) & (values <= 1))):
            raise ResultsError(
                "outcomes must lie within 0 and 1",
                key=name,
                remedy="leave out initial conditions that an arm has not met, for both arms",
            )
    return PairedCounts(
        both=float((first * second).sum()),
        first_only=float((first * (1 - second)).sum()),
        second_only=float(((1 - first) * second).sum()),
        neither=float(((1 - first) * (1 - second)).sum()),
    )
