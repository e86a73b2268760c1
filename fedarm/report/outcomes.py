"""Success as arrays, on the initial conditions that the compared arms share.

Arms are compared on equal terms only: on initial conditions that every seed of both arms has met, and on
as many for one task as for another. What is left out is listed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fedarm.errors import ResultsError


@dataclass(frozen=True)
class Exclusion:
    """Rollouts that a comparison does not use, and why."""

    comparison: str
    dataset: str
    episodes: int
    reason: str


@dataclass(frozen=True)
class SharedOutcomes:
    """Arms on the same tasks and initial conditions.

    Attributes:
        success: Success `(seed, task, initial_condition)` by arm, 0 or 1.
        exclusions: Rollouts that are not in the arrays.
    """

    success: Mapping[str, NDArray[np.float64]]
    exclusions: tuple[Exclusion, ...]


def shared_outcomes(
    final: pd.DataFrame, arms: Sequence[str], *, datasets: Sequence[str]
) -> SharedOutcomes:
    """Arrange the final rollouts of arms as arrays.

    Args:
        final: Rollouts of final checkpoints.
        arms: Names of the arms' runs.
        datasets: The tasks.

    Raises:
        ResultsError: On a task, the runs have no initial condition in common.
    """
    comparison = " against ".join(arms) if len(arms) == 2 else "all pairs of arms"
    compared = final[final["name"].isin(arms)]
    tables: list[pd.DataFrame] = []
    exclusions: list[Exclusion] = []
    for dataset in datasets:
        rows = compared[compared["dataset"] == dataset]
        table = _shared(rows)
        if table.empty:
            raise ResultsError(
                f"{comparison}: no initial condition was met by every seed of each",
                key=dataset,
                remedy="roll them out again, with the same experiment seed",
            )
        if table.size < len(rows):
            reason = "the initial condition was not met by every seed of each arm"
            exclusions.append(Exclusion(comparison, dataset, len(rows) - table.size, reason))
        tables.append(table)
    episodes = min(len(table) for table in tables)
    for dataset, table in zip(datasets, tables, strict=True):
        if len(table) > episodes:
            reason = "another task has fewer initial conditions"
            surplus = (len(table) - episodes) * table.shape[1]
            exclusions.append(Exclusion(comparison, dataset, surplus, reason))
    success = {
        name: np.stack([_array(table.head(episodes), name) for table in tables], axis=1)
        for name in arms
    }
    return SharedOutcomes(success, tuple(exclusions))


def _shared(rows: pd.DataFrame) -> pd.DataFrame:
    """Return success on the initial conditions that all runs have met, in order of episode.

    A row an initial condition, a column a run (name, seed).
    """
    table = rows.pivot_table(
        index="initial_condition_seed",
        columns=["name", "seed"],
        values="success",
        aggfunc="first",
    )
    order = rows.groupby("initial_condition_seed")["episode"].min().sort_values()
    return table.loc[order.index].dropna()


def _array(table: pd.DataFrame, name: str) -> NDArray[np.float64]:
    """Return success `(seed, initial_condition)`, seeds in their order."""
    return table[name].sort_index(axis="columns").to_numpy(dtype=np.float64).T
