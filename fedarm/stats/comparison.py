"""Two arms compared: the method that fits the design, what it says, and what to beware of."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import numpy.typing as npt

from fedarm.errors import ResultsError
from fedarm.stats.counts import count_pairs
from fedarm.stats.crossed import crossed_t_difference, crossed_t_ratio, crossed_t_test
from fedarm.stats.crossed_components import crossed_components
from fedarm.stats.difference import tango, tango_p_two_sided
from fedarm.stats.interval import CONFIDENCE, Interval
from fedarm.stats.power import Design, designs_for, detectable, detectable_from_interval
from fedarm.stats.ratio import tang_nam
from fedarm.stats.variances import observed_variances
from fedarm.stats.verdict import percent

Successes = npt.NDArray[np.float64]
Level = Literal["seeds", "checkpoints"]

CEILING = 0.9
FLOOR = 0.1
FEW_INITIAL_CONDITIONS = 10

_NO_WIDTH = 1e-9
_CHECKPOINTS_ONLY = "for these checkpoints only"


@dataclass(frozen=True)
class Caution:
    """A reason to read a comparison with care: a stable word and a sentence."""

    code: str
    text: str


@dataclass(frozen=True)
class Comparison:
    """A candidate against a reference on shared tasks and initial conditions.

    Attributes:
        level: What it speaks of: training anew (`seeds`), or these checkpoints only.
        method: The methods of the difference and of the ratio.
        candidate: Mean success of the candidate.
        reference: Mean success of the reference.
        difference: Candidate less reference.
        difference_ci: Its 95 % interval.
        difference_p_two_sided: p-value of no difference, by the interval's method.
        ratio: Candidate over reference; infinite or NaN when the reference never succeeds.
        ratio_ci: Its 95 % interval, whose high end may be infinite.
        smallest_detectable: The smallest difference shown with 80 % power.
        design: Seeds (the fewer of the two arms) and episodes a task and seed.
        tasks: Number of tasks.
        cautions: What to beware of.
    """

    level: Level
    method: str
    candidate: float
    reference: float
    difference: float
    difference_ci: Interval
    difference_p_two_sided: float
    ratio: float
    ratio_ci: Interval
    smallest_detectable: float
    design: Design
    tasks: int
    cautions: tuple[Caution, ...]

    @property
    def smallest_detectable_ratio(self) -> float | None:
        """The largest ratio below 1 shown with 80 % power; None when the reference never succeeds."""
        if self.reference <= 0:
            return None
        return max(1 - self.smallest_detectable / self.reference, 0.0)


def compare(
    candidate: Successes,
    reference: Successes,
    *,
    level: Level = "seeds",
    confidence: float = CONFIDENCE,
) -> Comparison:
    """Compare two arms.

    With two seeds or more and `level="seeds"`, by the crossed t. With one seed, or for these
    checkpoints only, by the score intervals of Tango and of Tang and Nam over pairs, a pair an initial
    condition: the outcomes of several seeds are averaged first, because they share it.

    Args:
        candidate: Success `(seed, task, initial_condition)`, each from 0 to 1.
        reference: Success of the same shape; only the number of seeds may differ.
        level: What to speak of.
        confidence: Two-sided, of the intervals; a look of a sequential plan has a higher one.

    Raises:
        ResultsError: The shapes do not match, or a value is not within 0 to 1.
    """
    _check(candidate, reference)
    seeds = min(len(candidate), len(reference))
    crossed = level == "seeds" and seeds > 1 and candidate.shape[2] > 1
    over = _over_seeds if crossed else _over_pairs
    comparison = over(candidate, reference, confidence=confidence)
    if level == "seeds" and not crossed:
        code = "one_seed" if seeds == 1 else "one_initial_condition"
        reason = f"{code.replace('_', ' ')}: the comparison holds {_CHECKPOINTS_ONLY}"
        return cautioned(comparison, [Caution(code, reason)])
    return comparison


def cautioned(comparison: Comparison, cautions: Sequence[Caution]) -> Comparison:
    """Return a comparison with more to beware of, which stands first."""
    return replace(comparison, cautions=(*cautions, *comparison.cautions))


def required_designs(
    candidate: Successes, reference: Successes, margins: Sequence[float], *, level: Level = "seeds"
) -> dict[float, tuple[Design, ...]]:
    """Return the designs that would show non-inferiority at each margin, were the arms truly equal.

    A margin that no design up to 64 seeds shows, or whose reference never succeeds, has none.

    Args:
        candidate: As for `compare`.
        reference: As for `compare`.
        margins: Shares of the reference's success that may be lost.
        level: As for `compare`.

    Raises:
        ResultsError: As for `compare`.
    """
    comparison = compare(candidate, reference, level=level)
    if comparison.reference <= 0:
        return dict.fromkeys(margins, ())
    if comparison.level == "checkpoints" or _has_no_width(comparison.difference_ci):
        return {
            margin: (_more_episodes(comparison, margin * comparison.reference),)
            for margin in margins
        }
    variances = observed_variances(crossed_components(candidate, reference))
    episodes = comparison.design.episodes
    return {margin: designs_for(variances, episodes=episodes, margin=margin) for margin in margins}


def _over_seeds(candidate: Successes, reference: Successes, *, confidence: float) -> Comparison:
    difference = crossed_t_difference(candidate, reference, confidence=confidence)
    ratio = crossed_t_ratio(candidate, reference, confidence=confidence)
    if _has_no_width(difference.interval) or _has_no_width(ratio.interval):
        return _without_variance(candidate, reference, confidence=confidence)
    return _comparison(
        candidate,
        reference,
        level="seeds",
        method="crossed t; crossed t ratio (Fieller type)",
        difference_ci=difference.interval,
        difference_p_two_sided=crossed_t_test(candidate, reference).p_two_sided,
        ratio_ci=ratio.interval,
        smallest_detectable=detectable(difference.se, difference.df),
    )


def _over_pairs(candidate: Successes, reference: Successes, *, confidence: float) -> Comparison:
    counts = count_pairs(candidate.mean(axis=0), reference.mean(axis=0))
    difference_ci = tango(counts, confidence=confidence)
    return _comparison(
        candidate,
        reference,
        level="checkpoints",
        method="Tango score; Tang-Nam score",
        difference_ci=difference_ci,
        difference_p_two_sided=tango_p_two_sided(counts),
        ratio_ci=tang_nam(counts, confidence=confidence),
        smallest_detectable=detectable_from_interval(difference_ci, confidence=confidence),
    )


def _without_variance(
    candidate: Successes, reference: Successes, *, confidence: float
) -> Comparison:
    """Fall back on pairs: a few seeds that agree do not prove that all would."""
    comparison = _over_pairs(candidate, reference, confidence=confidence)
    text = (
        "no variance between seeds or initial conditions was seen, so the crossed t has no width; "
        f"score intervals over initial conditions stand in, and hold {_CHECKPOINTS_ONLY}"
    )
    return cautioned(comparison, [Caution("no_variance", text)])


def _comparison(
    candidate: Successes,
    reference: Successes,
    *,
    level: Level,
    method: str,
    difference_ci: Interval,
    difference_p_two_sided: float,
    ratio_ci: Interval,
    smallest_detectable: float,
) -> Comparison:
    top, bottom = float(candidate.mean()), float(reference.mean())
    undefined = math.inf if top > 0 else math.nan
    design = Design(min(len(candidate), len(reference)), candidate.shape[2])
    return Comparison(
        level=level,
        method=method,
        candidate=top,
        reference=bottom,
        difference=top - bottom,
        difference_ci=difference_ci,
        difference_p_two_sided=difference_p_two_sided,
        ratio=top / bottom if bottom > 0 else undefined,
        ratio_ci=ratio_ci,
        smallest_detectable=smallest_detectable,
        design=design,
        tasks=candidate.shape[1],
        cautions=tuple(_cautions(top, bottom, design, level=level)),
    )


def _cautions(candidate: float, reference: float, design: Design, *, level: Level) -> list[Caution]:
    found: list[Caution] = []
    if level == "seeds" and design.seeds == 2:
        text = "two seeds: the interval rests on very few degrees of freedom and is wide"
        found.append(Caution("few_seeds", text))
    if design.episodes < FEW_INITIAL_CONDITIONS:
        text = f"only {design.episodes} initial conditions a task: the interval is approximate"
        found.append(Caution("few_initial_conditions", text))
    if max(candidate, reference) > CEILING:
        text = (
            f"an arm succeeds in more than {percent(CEILING)}: near the ceiling the ratio test errs up "
            "to 0.05 instead of 0.025, and the tasks hardly tell good arms apart"
        )
        found.append(Caution("ceiling", text))
    if reference < FLOOR:
        text = (
            f"the reference succeeds in fewer than {percent(FLOOR)}: the ratio is unstable, and being "
            "as good as it says little"
        )
        found.append(Caution("floor", text))
    return found


def _more_episodes(comparison: Comparison, target: float) -> Design:
    """Return the episodes that shrink the detectable difference to the target, seeds as they are."""
    factor = (comparison.smallest_detectable / target) ** 2
    return Design(comparison.design.seeds, math.ceil(comparison.design.episodes * factor))


def _has_no_width(interval: Interval) -> bool:
    return interval.half_width < _NO_WIDTH


def _check(candidate: Successes, reference: Successes) -> None:
    for name, successes in (("candidate", candidate), ("reference", reference)):
        if successes.ndim != 3 or successes.size == 0:
            raise ResultsError(
                "success must be (seed, task, initial condition), with at least one of each",
                key=name,
                value=successes.shape,
                remedy="check which rollouts were read",
            )
        if not bool(np.all((successes >= 0) & (successes <= 1))):
            raise ResultsError(
                "success must lie within 0 and 1 everywhere",
                key=name,
                remedy="leave out initial conditions that an arm has not met, for both arms",
            )
    if candidate.shape[1:] != reference.shape[1:]:
        raise ResultsError(
            "both arms must have met the same tasks and initial conditions",
            key="(task, initial_condition)",
            value=(candidate.shape[1:], reference.shape[1:]),
            remedy="leave out what one arm has not met, for both",
        )
