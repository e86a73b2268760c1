"""Success as arrays, on the initial conditions that the compared arms share.

Arms are compared on equal terms only: on initial conditions that every seed of both arms has met, and on
as many for one task as for another. What is left out is listed.
"""

from __future__ import annotations

from collections.abc import Sequence
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
class PairedOutcomes:
    """Two arms on the same tasks and initial conditions.

    Attributes:
        candidate: Success `(seed, task, initial_condition)`, 0 or 1.
        reference: The same of the reference.
        exclusions: Rollouts that are not in the arrays.
    """

    candidate: NDArray[np.float64]
    reference: NDArray[np.float64]
    exclusions: tuple[Exclusion, ...]


def pair_outcomes(
    final: pd.DataFrame, candidate: str, reference: str, *, datasets: Sequence[str]
) -> PairedOutcomes:
    """Arrange the final rollouts of two arms as arrays.

    Args:
        final: Rollouts of final checkpoints.
        candidate: Name of the candidate's runs.
        reference: Name of the reference's runs.
        datasets: The tasks.

    Raises:
        ResultsError: On a task, the runs have no initial condition in common.
    """
    comparison = f"{candidate} against {reference}"
    both = final[final["name"].isin((candidate, reference))]
    tables: list[pd.DataFrame] = []
    exclusions: list[Exclusion] = []
    for dataset in datasets:
        rows = both[both["dataset"] == dataset]
        table = _shared(rows)
        if table.empty:
            raise ResultsError(
                f"{comparison}: no initial condition was met by every seed of both",
                key=dataset,
                remedy="roll both out again, with the same experiment seed",
            )
        if table.size < len(rows):
            reason = "the initial condition was not met by every seed of both arms"
            exclusions.append(Exclusion(comparison, dataset, len(rows) - table.size, reason))
        tables.append(table)
    episodes = min(len(table) for table in tables)
    for dataset, table in zip(datasets, tables, strict=True):
        if len(table) > episodes:
            reason = "another task has fewer initial conditions"
            surplus = (len(table) - episodes) * table.shape[1]
            exclusions.append(Exclusion(comparison, dataset, surplus, reason))
    arrays = [
        np.stack([_array(table.head(episodes), name) for table in tables], axis=1)
        for name in (candidate, reference)
    ]
    return PairedOutcomes(arrays[0], arrays[1], tuple(exclusions))


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
