"""When rollouts succeed, where they start from, and how smoothly they move."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fedarm.report.episodes import START
from fedarm.report.experiment import ExperimentResults
from fedarm.report.success import with_kind

_GROUP = ["name", "arm", "kind", "unseen"]


def success_by_time(results: ExperimentResults) -> pd.DataFrame:
    """Return which share of final rollouts has succeeded by when.

    A failure never has, so that a curve ends at the arm's success. The share is the mean over the
    group's tasks. Columns: name, arm, kind, unseen, seconds (each time at which a rollout of the group
    succeeded, from 0 to the longest rollout), success.
    """
    final = with_kind(results, results.final)
    tables: list[pd.DataFrame] = []
    for unseen, group in final.groupby("unseen", sort=False):
        succeeded = group.loc[group["success"], "duration_s"]
        moments = np.unique([0.0, *succeeded, group["duration_s"].max()])
        for name, rows in group.groupby("name", sort=False):
            shares = np.mean(
                [_share_by(task, moments) for _, task in rows.groupby("dataset")], axis=0
            )
            first = rows.iloc[0]
            identity = {"name": name, "arm": first["arm"], "kind": first["kind"], "unseen": unseen}
            tables.append(pd.DataFrame({**identity, "seconds": moments, "success": shares}))
    return pd.concat(tables, ignore_index=True)


def success_by_start(results: ExperimentResults) -> pd.DataFrame:
    """Return success from each initial condition over the seeds, with where the object lay.

    Columns: name, arm, kind, dataset, unseen, episode, initial_condition_seed, object_start_x_m,
    object_start_y_m (metres on the table; missing where nobody knows), seeds, successes, success.
    """
    final = with_kind(results, results.final)
    keys = [*_GROUP[:3], "dataset", "unseen", "episode", "initial_condition_seed", *START]
    table = final.groupby(keys, sort=False, as_index=False, dropna=False).agg(
        seeds=("seed", "nunique"), successes=("success", "sum")
    )
    return table.assign(success=table["successes"] / table["seeds"])


def smoothness_by_video(results: ExperimentResults) -> pd.DataFrame:
    """Return the smoothness of the final checkpoints' filmed rollouts that has been measured.

    Columns: name, kind, seed, dataset, unseen, episode, success, smoothness_sparc (nearer
    0 is smoother).
    """
    settings = results.settings
    rows = [
        {
            "name": run.name,
            "kind": run.kind,
            "seed": run.seed,
            "dataset": video.dataset,
            "unseen": video.dataset in settings.unseen,
            "episode": video.episode,
            "success": video.success_env,
            "smoothness_sparc": video.smoothness_sparc,
        }
        for run, analysis in results.videos.items()
        for video in analysis.videos
        if video.round == results.metrics[run].checkpoint.round
        and video.smoothness_sparc is not None
    ]
    columns = ["name", "kind", "seed", "dataset", "unseen", "episode", "success"]
    return pd.DataFrame(rows, columns=[*columns, "smoothness_sparc"])


def _share_by(rows: pd.DataFrame, moments: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the share of a task's rollouts that have succeeded by each moment."""
    succeeded = np.sort(rows.loc[rows["success"], "duration_s"].to_numpy())
    return np.searchsorted(succeeded, moments, side="right") / len(rows)
