"""Candidates against the reference: intervals, and the verdict at each margin."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from fedarm.errors import ResultsError
from fedarm.report.experiment import ExperimentResults
from fedarm.report.inputs import ComparisonSettings, Metric
from fedarm.report.outcomes import Exclusion, shared_outcomes
from fedarm.stats.comparison import Caution, Comparison, cautioned, compare, required_designs
from fedarm.stats.fixed_sequence import Step, retention_sequence
from fedarm.stats.interval import CONFIDENCE
from fedarm.stats.power import Design
from fedarm.stats.sequential import obrien_fleming
from fedarm.stats.verdict import decide


@dataclass(frozen=True)
class Look:
    """The look of a sequential plan at which an arm's rollouts stopped.

    Attributes:
        number: Which, counted from 1.
        of: How many were planned.
        boundary: What z had to exceed.
        confidence: Two-sided, of the repeated intervals at this look; over all looks it is 0.95.
    """

    number: int
    of: int
    boundary: float
    confidence: float

    @property
    def caution(self) -> Caution:
        """What a reader must know of it."""
        text = (
            f"look {self.number} of {self.of} of a sequential plan: the intervals are repeated ones, "
            "which hold over all looks together"
        )
        return Caution("sequential", text)


@dataclass(frozen=True)
class Decision:
    """A candidate against the reference on one metric.

    Attributes:
        candidate: Name of the candidate's runs.
        reference: Name of the reference's runs.
        metric: Success on the clients' tasks or on the unseen sets.
        primary: Whether this metric was declared to decide.
        comparison: Estimates and intervals over all tasks of the metric.
        verdict: The strictest margin kept, or "inferior", or "inconclusive".
        by_margin: The verdict against each margin alone.
        sequence: The tests in their declared order, from the widest margin to superiority.
        designs: Designs that would show non-inferiority within a margin, were the arms equal.
        by_task: The comparison on each task alone, by dataset.
        exclusions: Rollouts that were not used.
        look: At which look the candidate's rollouts stopped; None without a sequential plan.
    """

    candidate: str
    reference: str
    metric: Metric
    primary: bool
    comparison: Comparison
    verdict: str
    by_margin: Mapping[float, str]
    sequence: tuple[Step, ...]
    designs: Mapping[float, tuple[Design, ...]]
    by_task: Mapping[str, Comparison]
    exclusions: tuple[Exclusion, ...]
    look: Look | None

    @property
    def worst_task(self) -> str:
        """The dataset on whose task the candidate loses most to the reference."""
        return min(self.by_task, key=lambda dataset: self.by_task[dataset].difference)


def decide_all(results: ExperimentResults) -> tuple[Decision, ...]:
    """Compare every federated arm with the reference on every metric, the primary one first.

    Success decides: where nothing was tried, there is no decision.

    Raises:
        ResultsError: Two arms have no initial condition in common on a task.
    """
    settings = results.settings
    if not settings.judged:
        return ()
    return tuple(
        _decide(results, candidate, metric, datasets)
        for metric, datasets in settings.metrics.items()
        for candidate in settings.candidates
    )


def _decide(
    results: ExperimentResults, candidate: str, metric: Metric, datasets: tuple[str, ...]
) -> Decision:
    settings = results.settings
    reference = settings.reference_name
    shared = shared_outcomes(results.final, (candidate, reference), datasets=datasets)
    arms = shared.success[candidate], shared.success[reference]
    kept = [1 - margin for margin in sorted(settings.margins, reverse=True)]
    look = _look(settings, episodes=arms[0].shape[2])
    confidence = look.confidence if look else CONFIDENCE
    comparison = compare(*arms, level=settings.level, confidence=confidence)
    return Decision(
        candidate=candidate,
        reference=reference,
        metric=metric,
        primary=metric == settings.primary_metric,
        comparison=cautioned(comparison, [look.caution]) if look else comparison,
        verdict=decide(comparison.ratio_ci, settings.margins),
        by_margin={margin: decide(comparison.ratio_ci, (margin,)) for margin in settings.margins},
        sequence=retention_sequence(
            *arms,
            ratios=(*kept, 1.0),
            level=settings.level,
            alpha_one_sided=(1 - confidence) / 2,
        ),
        designs=required_designs(*arms, settings.margins, level=settings.level),
        by_task={
            dataset: compare(
                *(arm[:, [index]] for arm in arms),
                level=settings.level,
                confidence=confidence,
            )
            for index, dataset in enumerate(datasets)
        },
        exclusions=shared.exclusions,
        look=look,
    )


def _look(settings: ComparisonSettings, *, episodes: int) -> Look | None:
    """Return the look at which there are so many episodes."""
    if settings.looks == 1:
        return None
    number, rest = divmod(episodes * settings.looks, settings.episodes)
    if rest or not number:
        raise ResultsError(
            f"a look comes after every {settings.episodes // settings.looks} initial conditions",
            key="compare.looks",
            value=episodes,
            remedy="roll the arms out again: some of their initial conditions are missing",
        )
    plan = obrien_fleming(settings.looks)
    return Look(number, settings.looks, plan.boundary(number), plan.confidence(number))
