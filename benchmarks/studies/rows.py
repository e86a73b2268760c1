"""What was counted in one cell of `benchmarks/coverage.py`, and the extremes over cells."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from fedarm.stats.comparison import CEILING

from .model import Study


@dataclass(frozen=True)
class Row:
    """One design and truth, and how often fedarm's intervals were right.

    Attributes:
        study: The design and the reference's truth.
        ratio: True success of the candidate over that of the reference.
        studies: How many were simulated.
        difference: Coverage of the difference's interval.
        ratio_coverage: Coverage of the ratio's interval.
        different: How often the difference's interval excludes zero.
        above: How often the ratio's low end exceeds the true ratio.
        fallback: How often score intervals stood in, for want of any variance.
    """

    study: Study
    ratio: float
    studies: int
    difference: float
    ratio_coverage: float
    different: float
    above: float
    fallback: float

    @property
    def coverages(self) -> tuple[float, float]:
        """Coverage of the difference's and of the ratio's interval."""
        return self.difference, self.ratio_coverage

    @property
    def below_ceiling(self) -> bool:
        """Whether the reference's success is below that of the report's warning."""
        return self.study.success < CEILING

    @property
    def false_noninferior(self) -> float | None:
        """How often "non-inferior within a margin" was said at that margin; None for equal arms."""
        return self.above if self.ratio < 1 else None


@dataclass(frozen=True)
class PairRow:
    """One design of one checkpoint an arm, and how often the score intervals were right.

    Attributes:
        study: The design and the reference's truth.
        ratio: True success of the candidate over that of the reference.
        tango: Coverage of Tango's interval of the difference.
        tang_nam: Coverage of Tang and Nam's interval of the ratio.
        above: How often the ratio's low end exceeds the true ratio.
    """

    study: Study
    ratio: float
    tango: float
    tang_nam: float
    above: float

    @property
    def below_ceiling(self) -> bool:
        """Whether the reference's success is below that of the report's warning."""
        return self.study.success < CEILING


@dataclass(frozen=True)
class Figure:
    """An extreme over cells.

    Attributes:
        name: Its name.
        value: A cell's value; None where the figure does not look.
        largest: Whether the largest value is sought, or the smallest.
        limit: What must hold; None if nothing must.
        errors: Monte Carlo errors by which the limit may be missed.
    """

    name: str
    value: Callable[[Row], float | None]
    largest: bool
    limit: float | None = None
    errors: float = 0.0

    def ranked(self, rows: Iterable[Row]) -> list[tuple[float, Row]]:
        """Return the cells that it looks at with their values, the most extreme first."""
        valued = [(value, row) for row in rows if (value := self.value(row)) is not None]
        return sorted(valued, key=lambda pair: pair[0], reverse=self.largest)

    def holds(self, value: float, studies: int) -> bool:
        """Return whether a share of so many studies keeps the limit, if there is one."""
        if self.limit is None:
            return True
        allowance = self.errors * standard_error(self.limit, studies)
        if self.largest:
            return value <= self.limit + allowance
        return value >= self.limit - allowance


def standard_error(share: float, studies: int) -> float:
    """Return the Monte Carlo error of a share of studies."""
    return math.sqrt(share * (1 - share) / studies)


FIGURES = (
    Figure("crossed_t_lowest", lambda row: min(row.coverages), largest=False, limit=0.93),
    Figure("crossed_t_highest", lambda row: max(row.coverages), largest=True, limit=0.98),
    Figure(
        "crossed_t_lowest_below_ceiling",
        lambda row: min(row.coverages) if row.below_ceiling else None,
        largest=False,
        limit=0.93,
    ),
    Figure(
        "false_noninferior_below_ceiling",
        lambda row: row.false_noninferior if row.below_ceiling else None,
        largest=True,
        limit=0.035,
    ),
    Figure(
        "false_noninferior_above_ceiling",
        lambda row: None if row.below_ceiling else row.false_noninferior,
        largest=True,
    ),
    Figure(
        "null_declared_different",
        lambda row: row.different if row.ratio == 1 else None,
        largest=True,
        limit=0.05,
        errors=2.0,
    ),
)
