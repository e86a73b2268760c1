"""Candidates against the reference: intervals, and the verdict at each margin."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from fedarm.report.experiment import ExperimentResults
from fedarm.report.inputs import Metric
from fedarm.report.outcomes import Exclusion, shared_outcomes
from fedarm.stats.comparison import Comparison, compare, required_designs
from fedarm.stats.fixed_sequence import Step, retention_sequence
from fedarm.stats.power import Design
from fedarm.stats.verdict import decide


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
    comparison = compare(*arms, level=settings.level)
    return Decision(
        candidate=candidate,
        reference=reference,
        metric=metric,
        primary=metric == settings.primary_metric,
        comparison=comparison,
        verdict=decide(comparison.ratio_ci, settings.margins),
        by_margin={margin: decide(comparison.ratio_ci, (margin,)) for margin in settings.margins},
        sequence=retention_sequence(*arms, ratios=(*kept, 1.0), level=settings.level),
        designs=required_designs(*arms, settings.margins, level=settings.level),
        by_task={
            dataset: compare(
                *(arm[:, [index]] for arm in arms),
                level=settings.level,
            )
            for index, dataset in enumerate(datasets)
        },
        exclusions=shared.exclusions,
    )
