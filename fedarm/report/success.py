"""Success by run, task, seed and round.

Wilson's intervals here are of the episodes of these checkpoints: they take the training seeds for
granted. Only the intervals of `verdicts` speak of training anew.
"""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from fedarm.report.experiment import ExperimentResults
from fedarm.stats.proportions import wilson

_CELL = ["name", "arm", "kind", "dataset", "unseen"]


def success_by_task(results: ExperimentResults) -> pd.DataFrame:
    """Return successes of the final checkpoints over all seeds, a row a run's name and dataset.

    Columns: name, arm, kind, dataset, unseen, task, variant, seeds, successes, episodes, success, low,
    high (Wilson, 95 %).
    """
    final = with_kind(results, results.final)
    table = final.groupby([*_CELL, "task", "variant"], sort=False, as_index=False).agg(
        seeds=("seed", "nunique"), successes=("success", "sum"), episodes=("success", "size")
    )
    return _with_interval(table)


def success_pooled(results: ExperimentResults) -> pd.DataFrame:
    """Return successes of the final checkpoints over all seeds and tasks of a group.

    Columns: name, arm, kind, unseen, seeds, tasks, successes, episodes, success, low, high. The interval
    is of these checkpoints on these tasks.
    """
    final = with_kind(results, results.final)
    table = final.groupby(["name", "arm", "kind", "unseen"], sort=False, as_index=False).agg(
        seeds=("seed", "nunique"),
        tasks=("dataset", "nunique"),
        successes=("success", "sum"),
        episodes=("success", "size"),
    )
    return _with_interval(table)


def success_by_seed(results: ExperimentResults) -> pd.DataFrame:
    """Return successes of the final checkpoints, a row a run and dataset.

    Columns: name, arm, kind, dataset, unseen, seed, successes, episodes, success.
    """
    final = with_kind(results, results.final)
    return _count(final, [*_CELL, "seed"])


def success_by_checkpoint(results: ExperimentResults) -> pd.DataFrame:
    """Return successes of every checkpoint that was rolled out, on all the episodes that it was given.

    Columns: name, arm, kind, dataset, unseen, seed, round, final, successes, episodes, success.
    """
    return _count(with_kind(results, results.episodes), [*_CELL, "seed", "round", "final"])


def success_by_round(results: ExperimentResults) -> pd.DataFrame:
    """Return successes as training goes on, a row a run with progress rollouts, dataset and round.

    All rounds count on the initial conditions that every round of the run has met, so that a curve does
    not move because the episodes change; so does the base, where all curves start. Columns: name, arm,
    kind, dataset, unseen, seed, round, successes, episodes, success.
    """
    rows = with_kind(results, results.episodes)
    run = ["name", "seed", "dataset"]
    rounds = rows.groupby(run)["round"].transform("nunique")
    met = rows.groupby([*run, "initial_condition_seed"])["round"].transform("nunique")
    watched = (rounds > 1) & (met == rounds)
    conditions = set(rows.loc[watched, "initial_condition_seed"])
    start = (rows["kind"] == "base") & rows["initial_condition_seed"].isin(conditions)
    return _count(rows[watched | start], [*_CELL, "seed", "round"])


def with_kind(results: ExperimentResults, rows: pd.DataFrame) -> pd.DataFrame:
    """Return rollouts with how their arms train, in the column kind."""
    kinds = {name: results.settings.kind_of(name) for name in results.settings.names}
    return rows.assign(kind=rows["name"].map(kinds))


def _count(rows: pd.DataFrame, keys: Sequence[str]) -> pd.DataFrame:
    table = rows.groupby(list(keys), sort=False, as_index=False).agg(
        successes=("success", "sum"), episodes=("success", "size")
    )
    return table.assign(success=table["successes"] / table["episodes"])


def _with_interval(table: pd.DataFrame) -> pd.DataFrame:
    intervals = [
        wilson(successes, episodes)
        for successes, episodes in zip(table["successes"], table["episodes"], strict=True)
    ]
    return table.assign(
        success=table["successes"] / table["episodes"],
        low=[interval.low for interval in intervals],
        high=[interval.high for interval in intervals],
    )
