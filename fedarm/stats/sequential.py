"""More episodes in looks: a group-sequential plan after O'Brien and Fleming, for fixed checkpoints.

Two checkpoints meet more and more initial conditions, and after each group of them one looks whether the
margin is decided. Looking at 1.96 each time would find a false non-inferiority four times too often;
these boundaries are high at first and end little above 1.96, so that the chance over all looks together
is 2.5 %.

It is for episodes only. A plan rests on increments that are independent and as many as one likes; a
verdict over training seeds rests on a variance that few seeds tell badly, and seeds that are added until
the interval is narrow are those that happened to agree. Decide on the seeds beforehand.

At the end the interval is the repeated one: all margins that the boundary of that look does not reject.
It covers 95 % whenever and why ever one stops, and says the same as the decision.

Source: O'Brien and Fleming 1979, Biometrics 35, 549-556; Lan and DeMets 1983, Biometrika 70, 659-663;
Jennison and Turnbull 1989, JRSS B 51, 305-361 (repeated intervals).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy.optimize import brentq
from scipy.special import ndtr, ndtri

from fedarm.errors import ResultsError
from fedarm.stats.counts import PairedCounts
from fedarm.stats.difference import tango, tango_z
from fedarm.stats.interval import CONFIDENCE, Interval
from fedarm.stats.ratio import tang_nam, tang_nam_z

Measure = Literal["ratio", "difference"]
Outcome = Literal["non-inferior", "inferior", "inconclusive"]

# Of one side: what a 95 % interval leaves beyond its lower end.
LEVEL = (1 - CONFIDENCE) / 2

_FARTHEST = 9.0
_NODES = 240
# A look that adds less than this would need a finer grid.
_SMALLEST_STEP = 0.01


@dataclass(frozen=True)
class SequentialPlan:
    """When one looks, and what z must exceed then.

    Attributes:
        fractions: The share of all planned episodes that is there at each look, the last 1.
        boundaries: What the test statistic must exceed at each look, one-sided.
    """

    fractions: tuple[float, ...]
    boundaries: tuple[float, ...]

    def confidence(self, look: int) -> float:
        """Return the two-sided confidence whose interval ends where a look's boundary rejects.

        Args:
            look: Counted from 1.

        Raises:
            ResultsError: The plan has no such look.
        """
        return 2 * float(ndtr(self.boundary(look))) - 1

    def boundary(self, look: int) -> float:
        """Return the boundary of a look, counted from 1.

        Raises:
            ResultsError: The plan has no such look.
        """
        if not 1 <= look <= len(self.boundaries):
            raise ResultsError(
                "the plan has no such look",
                key="look",
                value=look,
                remedy=f"take one of 1 to {len(self.boundaries)}",
            )
        return self.boundaries[look - 1]


@dataclass(frozen=True)
class _Walk:
    """The statistic among those who have not crossed a boundary yet, after a share of the episodes.

    z times the root of the share is a random walk with independent increments, whose variance is what
    the share grows by. Its density is carried from look to look by numerical integration, at
    Gauss-Legendre nodes.

    Attributes:
        share: The share of all planned episodes so far.
        z: Nodes `(node,)`.
        mass: Probability at each node `(node,)`.
    """

    share: float
    z: npt.NDArray[np.float64]
    mass: npt.NDArray[np.float64]

    def crossing(self, share: float, boundary: float, *, drift: float = 0.0) -> float:
        """Return the chance to lie above a boundary at a later share."""
        step = share - self.share
        reached = self.z * math.sqrt(self.share) + drift * step
        above = ndtr((reached - boundary * math.sqrt(share)) / math.sqrt(step))
        return float(self.mass @ above)

    def beyond(self, share: float, boundary: float, *, drift: float = 0.0) -> _Walk:
        """Return the walk of those who do not lie above the boundary there."""
        step = share - self.share
        reached = self.z * math.sqrt(self.share) + drift * step
        roots, lengths = _quadrature()
        low = min(drift * math.sqrt(share), boundary) - _FARTHEST
        half = (boundary - low) / 2
        nodes = low + half * (roots + 1)
        distance = nodes[:, np.newaxis] * math.sqrt(share) - reached
        kernel = np.exp(-(distance**2) / (2 * step)) * math.sqrt(share / (2 * math.pi * step))
        return _Walk(share, nodes, half * lengths * (kernel @ self.mass))


@cache
def _quadrature() -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return the roots and weights on -1 to 1."""
    roots, weights = np.polynomial.legendre.leggauss(_NODES)
    return roots, weights


# At the start z is 0 for sure.
_START = _Walk(0.0, np.zeros(1), np.ones(1))


@dataclass(frozen=True)
class LookResult:
    """What a look says.

    Attributes:
        look: Counted from 1.
        z: The score statistic against the margin; high when the first arm keeps it.
        boundary: What it must exceed.
        interval: The repeated confidence interval of the ratio or difference.
        outcome: None as long as it goes on.
    """

    look: int
    z: float
    boundary: float
    interval: Interval
    outcome: Outcome | None


def obrien_fleming(looks: int, *, level: float = LEVEL) -> SequentialPlan:
    """Return O'Brien and Fleming's plan of equally many episodes a look.

    The boundaries are `c sqrt(looks / k)`, with c such that all looks together keep the level.

    Args:
        looks: How often one looks, the end included.
        level: One-sided chance of a false rejection over all looks.

    Source: O'Brien and Fleming 1979; Jennison and Turnbull 2000, Group Sequential Methods, section 2.3.

    Raises:
        ResultsError: There is no look, there are so many that they cannot be told apart, or the level is
            not between 0 and 0.5.
    """
    _check_level(level)
    shares = np.arange(1, looks + 1) / max(looks, 1)
    _check_fractions(shares.tolist())
    shape = 1 / np.sqrt(shares)

    def surplus(constant: float) -> float:
        return sum(crossing_probabilities(shares.tolist(), constant * shape)) - level

    constant = float(brentq(surplus, float(-ndtri(level)) - 1e-9, _FARTHEST / 2, xtol=1e-10))
    return SequentialPlan(tuple(shares.tolist()), tuple((constant * shape).tolist()))


def spending_plan(fractions: Sequence[float], *, level: float = LEVEL) -> SequentialPlan:
    """Return a plan of looks at any shares of the episodes, which spends as O'Brien and Fleming's does.

    By share t of the episodes, `2 - 2 Phi(z_(1 - level / 2) / sqrt(t))` of the level is spent.

    Args:
        fractions: The share of all planned episodes at each look, rising to 1.
        level: One-sided chance of a false rejection over all looks.

    Source: Lan and DeMets 1983, Biometrika 70, 659-663, their alpha*_1.

    Raises:
        ResultsError: The fractions do not rise to 1 in steps of at least 0.01, or the level is not
            between 0 and 0.5.
    """
    _check_level(level)
    _check_fractions(fractions)
    quantile = float(-ndtri(level / 2))
    boundaries: list[float] = []
    walk, spent = _START, 0.0
    for share in fractions:
        to_spend = 2 * float(ndtr(-quantile / math.sqrt(share))) - spent

        def surplus(
            boundary: float, walk: _Walk = walk, share: float = share, to_spend: float = to_spend
        ) -> float:
            return walk.crossing(share, boundary) - to_spend

        # So early that even the farthest boundary would spend more: nothing is decided there.
        high = _FARTHEST - 0.5
        found = high if surplus(high) >= 0 else float(brentq(surplus, 0.0, high, xtol=1e-10))
        boundaries.append(found)
        spent += walk.crossing(share, found)
        walk = walk.beyond(share, found)
    return SequentialPlan(tuple(fractions), tuple(boundaries))


def crossing_probabilities(
    fractions: Sequence[float],
    boundaries: Sequence[float] | npt.NDArray[np.float64],
    *,
    drift: float = 0.0,
) -> tuple[float, ...]:
    """Return the chance to cross the boundary for the first time at each look.

    Args:
        fractions: The share of all planned episodes at each look.
        boundaries: Of z, the upper ones.
        drift: The expectation of z at the end: 0 where the margin is just missed.

    Source: Armitage, McPherson and Rowe 1969, JRSS A 132, 235-244, equation 1; Jennison and Turnbull
    2000, sections 19.2 and 19.3.
    """
    found: list[float] = []
    walk = _START
    for time, boundary in zip(fractions, boundaries, strict=True):
        found.append(walk.crossing(time, float(boundary), drift=drift))
        walk = walk.beyond(time, float(boundary), drift=drift)
    return tuple(found)


def take_look(
    counts: PairedCounts,
    *,
    plan: SequentialPlan,
    look: int,
    margin: float,
    measure: Measure = "ratio",
) -> LookResult:
    """Return what a look at all pairs so far says of the first arm against the second.

    It ends with "non-inferior" when z exceeds the boundary, with "inferior" when -z does, which means
    that the first arm loses more than the margin; at the last look it ends in any case.

    Args:
        counts: All pairs so far.
        plan: When one looks.
        look: Which look it is, counted from 1.
        margin: What may be lost: a share of the second arm's success, or a difference.
        measure: Which of the two.

    Raises:
        ResultsError: The plan has no such look, or the margin is not between 0 and 1.
    """
    if not 0 < margin < 1:
        raise ResultsError(
            "a margin lies between 0 and 1",
            key="margin",
            value=margin,
            remedy="write a tolerated loss of ten percent as 0.1",
        )
    boundary, confidence = plan.boundary(look), plan.confidence(look)
    if measure == "ratio":
        z, interval = tang_nam_z(counts, ratio=1 - margin), tang_nam(counts, confidence=confidence)
    else:
        z, interval = tango_z(counts, difference=-margin), tango(counts, confidence=confidence)
    outcome: Outcome | None = "inconclusive" if look == len(plan.boundaries) else None
    if z > boundary:
        outcome = "non-inferior"
    elif z < -boundary:
        outcome = "inferior"
    return LookResult(look=look, z=z, boundary=boundary, interval=interval, outcome=outcome)


def _check_level(level: float) -> None:
    if not 0 < level < 0.5:
        raise ResultsError(
            "a one-sided level lies between 0 and 0.5",
            key="level",
            value=level,
            remedy="write 2.5 % as 0.025",
        )


def _check_fractions(fractions: Sequence[float]) -> None:
    steps = np.diff(np.asarray([0.0, *fractions]))
    rising = bool(np.all(steps >= _SMALLEST_STEP))
    if not fractions or not rising or not math.isclose(fractions[-1], 1.0):
        raise ResultsError(
            f"looks lie at shares of the episodes that rise to 1 in steps of {_SMALLEST_STEP:g} or more",
            key="fractions",
            value=list(fractions),
            remedy="plan fewer looks, or give the last one all episodes",
        )
