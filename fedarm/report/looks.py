"""What looks on the way would have seen, had the episodes been stopped by a group-sequential plan.

No look is taken: an experiment rolls out the episodes that it declares, and its verdict is of them all.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from fedarm.report.experiment import ExperimentResults
from fedarm.report.outcomes import shared_outcomes
from fedarm.report.verdicts import Decision
from fedarm.stats.counts import count_pairs
from fedarm.stats.sequential import SequentialPlan, spending_plan, take_look

_MOST_LOOKS = 5


def sequential_looks(results: ExperimentResults, decisions: tuple[Decision, ...]) -> pd.DataFrame:
    """Return the score statistic against each margin as initial conditions come, beside its boundary.

    Of the primary metric, a row a candidate, margin and look; the last look has all initial conditions.
    It speaks of these checkpoints only: seeds are averaged. Columns: candidate, reference, metric,
    margin, look, initial_conditions (a task), fraction, pairs, z (high when the candidate keeps the
    margin), boundary, outcome (what a look would have ended with; empty where it would go on).
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
        moments = look_times(candidate.shape[1])
        plan = sequential_plan(moments)
        for margin in decision.by_margin:
            for look, seen in enumerate(moments, start=1):
                counts = count_pairs(candidate[:, :seen], reference[:, :seen])
                found = take_look(counts, plan=plan, look=look, margin=margin)
                rows.append(
                    {
                        "candidate": decision.candidate,
                        "reference": decision.reference,
                        "metric": decision.metric,
                        "margin": margin,
                        "look": look,
                        "initial_conditions": seen,
                        "fraction": plan.fractions[look - 1],
                        "pairs": candidate[:, :seen].size,
                        "z": found.z,
                        "boundary": found.boundary,
                        "outcome": found.outcome,
                    }
                )
    columns = ["candidate", "reference", "metric", "margin", "look", "initial_conditions"]
    return pd.DataFrame(rows, columns=[*columns, "fraction", "pairs", "z", "boundary", "outcome"])


def look_times(initial_conditions: int) -> tuple[int, ...]:
    """Return after how many initial conditions one would look: five times, as evenly as they allow."""
    looks = min(_MOST_LOOKS, initial_conditions)
    return tuple(round(initial_conditions * look / looks) for look in range(1, looks + 1))


def sequential_plan(moments: tuple[int, ...]) -> SequentialPlan:
    """Return the plan of looks after so many initial conditions; it spends as O'Brien and Fleming's."""
    return spending_plan([float(share) for share in np.array(moments) / moments[-1]])
