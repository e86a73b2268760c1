"""The looks of a group-sequential plan: those that were taken, or that a fixed design did not take.

An experiment of a fixed design rolls out the episodes that it declares and looks once, at the end; what
looks on the way would have seen is shown all the same. With `compare.looks` they were taken.
"""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from fedarm.report.experiment import ExperimentResults
from fedarm.report.inputs import ComparisonSettings
from fedarm.report.outcomes import shared_outcomes
from fedarm.report.verdicts import Decision
from fedarm.stats.counts import Outcomes, count_pairs
from fedarm.stats.sequential import SequentialPlan, obrien_fleming, spending_plan, take_look

_MOST_LOOKS = 5


@dataclass(frozen=True)
class Looks:
    """When one looks, or would have.

    Attributes:
        moments: After how many initial conditions a task.
        plan: The boundaries there.
    """

    moments: tuple[int, ...]
    plan: SequentialPlan


def sequential_looks(results: ExperimentResults, decisions: tuple[Decision, ...]) -> pd.DataFrame:
    """Return the score statistic against each margin as initial conditions come, beside its boundary.

    Of the primary metric, a row a candidate, margin and look; seeds are averaged, so that it speaks of
    these checkpoints only. Columns: candidate, reference, metric, margin, look, initial_conditions (a
    task), fraction (of those planned), boundary, taken (whether one looked), pairs, z (high when the
    candidate keeps the margin; missing after the end), outcome (what ends with this look; missing where
    it goes on).
    """
    rows: list[dict[str, object]] = []
    for decision in decisions:
        if not decision.primary:
            continue
        names = (decision.candidate, decision.reference)
        datasets = results.settings.metrics[decision.metric]
        shared = shared_outcomes(results.final, names, datasets=datasets).success
        # (task, initial_condition)
        candidate, reference = (shared[name].mean(axis=0) for name in names)
        looks = looks_of(results.settings, candidate.shape[1])
        for margin in decision.by_margin:
            rows += [
                {
                    "candidate": decision.candidate,
                    "reference": decision.reference,
                    "metric": decision.metric,
                    "margin": margin,
                    **row,
                }
                for row in _see(
                    candidate, reference, looks, margin, taken=results.settings.looks > 1
                )
            ]
    columns = ["candidate", "reference", "metric", "margin", "look", "initial_conditions"]
    columns += ["fraction", "boundary", "taken", "pairs", "z", "outcome"]
    return pd.DataFrame(rows, columns=columns)


def looks_of(settings: ComparisonSettings, initial_conditions: int) -> Looks:
    """Return when one looked; of a fixed design five times, as evenly as its episodes allow.

    Args:
        settings: What is compared.
        initial_conditions: How many a task there are.
    """
    if settings.looks > 1:
        group = settings.episodes // settings.looks
        moments = tuple(group * look for look in range(1, settings.looks + 1))
        return Looks(moments, obrien_fleming(settings.looks))
    number = min(_MOST_LOOKS, initial_conditions)
    moments = tuple(round(initial_conditions * look / number) for look in range(1, number + 1))
    return Looks(moments, spending_plan([moment / initial_conditions for moment in moments]))


def _see(
    candidate: Outcomes, reference: Outcomes, looks: Looks, margin: float, *, taken: bool
) -> list[dict[str, object]]:
    """Return what each look sees; those after the end of the rollouts see nothing."""
    rows: list[dict[str, object]] = []
    for look, seen in enumerate(looks.moments, start=1):
        row: dict[str, object] = {
            "look": look,
            "initial_conditions": seen,
            "fraction": looks.plan.fractions[look - 1],
            "boundary": looks.plan.boundary(look),
        }
        if seen <= candidate.shape[1]:
            counts = count_pairs(candidate[:, :seen], reference[:, :seen])
            found = take_look(counts, plan=looks.plan, look=look, margin=margin)
            row |= {"pairs": candidate[:, :seen].size, "z": found.z, "outcome": found.outcome}
        row["taken"] = seen <= candidate.shape[1] and (taken or seen == looks.moments[-1])
        rows.append(row)
    return rows
