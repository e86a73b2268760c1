"""`episodes.parquet`: one row a rollout episode.

arm, run, seed, round, final    who acted; `final` marks the last checkpoint
dataset, task, variant, unseen  where
initial_conditions              the named list of starts that every arm and seed shares
episode                         which entry of it, counted from 0
initial_condition_seed          what it was drawn from
success                         whether the task was done
steps, duration_s               control steps and seconds until success, or until the horizon
return                          sum of rewards
*_start_x_m, *_start_y_m        where the object and its goal lay at the begin, in metres on the table
*_m                             distances at the end, in metres, as the scene names them
checkpoint_sha256               digest of the policy
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from fedarm.paths import atomic_file

_COLUMNS: tuple[tuple[str, pa.DataType], ...] = (
    ("arm", pa.string()),
    ("run", pa.string()),
    ("seed", pa.int64()),
    ("round", pa.int64()),
    ("final", pa.bool_()),
    ("dataset", pa.string()),
    ("task", pa.string()),
    ("variant", pa.string()),
    ("unseen", pa.bool_()),
    ("initial_conditions", pa.string()),
    ("episode", pa.int64()),
    ("initial_condition_seed", pa.int64()),
    ("success", pa.bool_()),
    ("steps", pa.int64()),
    ("duration_s", pa.float64()),
    ("return", pa.float64()),
    ("checkpoint_sha256", pa.string()),
)


def read_rows(path: Path) -> list[dict[str, Any]]:
    """Return the rows that were given to `write_episodes`."""
    rows: list[dict[str, Any]] = pq.read_table(path).to_pylist()
    return rows


def write_episodes(
    path: Path,
    rows: Sequence[Mapping[str, Any]],
    *,
    also: Sequence[tuple[str, pa.DataType]] = (),
) -> None:
    """Write rollout episodes; the same rows give the same bytes.

    Args:
        path: The parquet file.
        rows: The columns named above and those of `also`; whatever else a row has is a distance.
        also: Further columns, with their types.

    Raises:
        ResultsError: The folder cannot be written.
    """
    known = (*_COLUMNS, *also)
    columns = [name for name, _ in known]
    distances = sorted({name for row in rows for name in row} - set(columns))
    schema = pa.schema([*known, *((name, pa.float64()) for name in distances)])
    # `from_pylist` would fill a forgotten column with nulls; this is a KeyError.
    arrays = [pa.array([row[field.name] for row in rows], type=field.type) for field in schema]
    with atomic_file(path) as temporary:
        pq.write_table(pa.table(arrays, schema=schema), temporary, compression="zstd")
