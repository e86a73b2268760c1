"""Rollouts of a run, from its `episodes.parquet` files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from fedarm.errors import ResultsError
from fedarm.report.inputs import RunFolder

COLUMNS = (
    "arm",
    "seed",
    "round",
    "final",
    "dataset",
    "task",
    "variant",
    "initial_conditions",
    "unseen",
    "episode",
    "initial_condition_seed",
    "success",
    "steps",
    "duration_s",
)
# Where the object lay, if the rollouts say so: a simulator does, a person does not.
START = ("object_start_x_m", "object_start_y_m")
_REMEDY = "roll the run out again"


def read_episodes(run: RunFolder, dataset: str, *, unseen: bool) -> pd.DataFrame:
    """Read and check a run's rollouts on one dataset's task.

    Args:
        run: The run.
        dataset: The dataset whose task was rolled out.
        unseen: Whether it is an unseen set.

    Returns:
        One row an episode, sorted by round and episode: `COLUMNS`, `START` (missing where unknown)
        and `name`, the run's name.

    Raises:
        ResultsError: The file is missing or not parquet; a column or the final round is missing; a value
            is missing; an episode stands twice; or the rows are of another run or dataset.
    """
    file = run.files.episodes(dataset)
    frame = _read(file)
    missing = [column for column in COLUMNS if column not in frame]
    if missing:
        raise ResultsError("columns are missing", file=file, key=missing[0], remedy=_REMEDY)
    frame = frame.reindex(columns=[*COLUMNS, *START])
    for column in COLUMNS:
        if frame[column].isna().any():
            raise ResultsError("a value is missing", file=file, key=column, remedy=_REMEDY)
    _check_identity(
        frame, file, {"arm": run.arm, "seed": run.seed, "dataset": dataset, "unseen": unseen}
    )
    _check_success(frame, file)
    _check_unique(frame, file)
    _check_final(frame, file)
    frame.insert(0, "name", run.name)
    return frame.sort_values(["round", "episode"], ignore_index=True)


def no_episodes() -> pd.DataFrame:
    """Return the table of an experiment in which nothing was tried."""
    return pd.DataFrame({name: [] for name in ("name", *COLUMNS, *START)}).astype({"final": bool})


def _read(file: Path) -> pd.DataFrame:
    if not file.is_file():
        raise ResultsError("rollouts are missing", file=file, remedy=_REMEDY)
    try:
        frame = pd.read_parquet(file)
    except (OSError, ValueError) as error:
        raise ResultsError(
            f"not a readable parquet file: {error}", file=file, remedy=_REMEDY
        ) from None
    if frame.empty:
        raise ResultsError("there are no episodes", file=file, remedy=_REMEDY)
    return frame


def _check_identity(frame: pd.DataFrame, file: Path, expected: dict[str, object]) -> None:
    for column, value in expected.items():
        others = frame.loc[frame[column] != value, column]
        if not others.empty:
            raise ResultsError(
                f"the episodes are not what this folder stands for: expected {value!r}",
                file=file,
                key=column,
                value=others.iloc[0],
                remedy=_REMEDY,
            )


def _check_success(frame: pd.DataFrame, file: Path) -> None:
    success = frame["success"].to_numpy()
    if not np.isin(success, (0, 1)).all():
        raise ResultsError(
            "success is true or false",
            file=file,
            key="success",
            value=success[~np.isin(success, (0, 1))][0],
            remedy=_REMEDY,
        )


def _check_final(frame: pd.DataFrame, file: Path) -> None:
    rounds = sorted(frame.loc[frame["final"], "round"].unique().tolist())
    if len(rounds) != 1:
        raise ResultsError(
            f"one round is the last, but {len(rounds)} are marked so",
            file=file,
            key="final",
            value=rounds,
            remedy=_REMEDY,
        )


def _check_unique(frame: pd.DataFrame, file: Path) -> None:
    for column in ("episode", "initial_condition_seed"):
        repeated = frame.duplicated(["round", column])
        if repeated.any():
            row = frame.loc[repeated].iloc[0]
            raise ResultsError(
                f"an initial condition stands twice in round {row['round']}",
                file=file,
                key=column,
                value=int(row[column]),
                remedy=_REMEDY,
            )
