"""Looks at an arm's rollouts on the way: whether its margins are decided against the reference's.

For fixed checkpoints only, and after a group-sequential plan, whose boundaries keep the chance of a
false verdict over all looks together (`fedarm.stats.sequential`). The reference is rolled out to the end
beforehand; the arm's episodes up to a look are paired with the reference's of the same number.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray

from fedarm.errors import ResultsError
from fedarm.evaluation_settings import Look, LookPlan, RolloutSettings
from fedarm.paths import RunPaths
from fedarm.stats.counts import count_pairs
from fedarm.stats.sequential import LookResult, obrien_fleming, take_look


def look_at(runs: Sequence[RolloutSettings], plan: LookPlan, look: Look) -> tuple[LookResult, ...]:
    """Return what a look says of an arm, against each margin.

    Args:
        runs: The arm's runs, rolled out up to the look.
        plan: The arm's plan.
        look: Which look it is.

    Raises:
        ResultsError: The reference was not rolled out on the arm's initial conditions.
    """
    episodes = look.episodes(runs[0].rounds[-1]).stop
    counts = count_pairs(
        _mean_success([run.paths for run in runs], plan.datasets, episodes),
        _mean_success(plan.reference, plan.datasets, episodes),
    )
    boundaries = obrien_fleming(plan.looks)
    return tuple(
        take_look(counts, plan=boundaries, look=look.number, margin=margin)
        for margin in plan.margins
    )


def _mean_success(
    runs: Sequence[RunPaths], datasets: Sequence[str], episodes: int
) -> NDArray[np.float64]:
    """Return the success of the last checkpoints `(task, episode)`, averaged over training seeds."""
    success: NDArray[np.float64] = np.array(
        [[_success(run, dataset, episodes) for dataset in datasets] for run in runs], np.float64
    )
    return np.asarray(success.mean(axis=0))


def _success(run: RunPaths, dataset: str, episodes: int) -> list[bool]:
    file = run.episodes(dataset)
    columns = ["final", "episode", "success"]
    rows = [row for row in pq.read_table(file, columns=columns).to_pylist() if row["final"]]
    success = {row["episode"]: row["success"] for row in rows}
    missing = next((entry for entry in range(episodes) if entry not in success), None)
    if missing is not None:
        raise ResultsError(
            "an initial condition was not met, so a look cannot pair it",
            file=file,
            key="episode",
            value=missing,
            remedy="roll the run out again",
        )
    return [success[entry] for entry in range(episodes)]
