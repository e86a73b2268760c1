"""Rows, episodes and metadata of a LeRobot v3 dataset, read and rewritten with pyarrow alone."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

STATE = "observation.state"
ACTION = "action"
DATA_FILE = "data/chunk-000/file-000.parquet"
EPISODES_FILE = "meta/episodes/chunk-000/file-000.parquet"
INFO_FILE = "meta/info.json"
STATS_FILE = "meta/stats.json"
TASKS_FILE = "meta/tasks.parquet"

Motion = NDArray[np.float32]
GRIPPER = 5
# Joints that move in every task of the lab.
MOVING = (0, 1, 2, 3)

_QUANTILES = {"q01": 0.01, "q10": 0.1, "q50": 0.5, "q90": 0.9, "q99": 0.99}


def read_table(file: Path) -> pa.Table:
    # Not `pq.read_table`: it guesses partitions from folder names.
    with pq.ParquetFile(file) as parquet:
        return parquet.read()


def read_rows(folder: Path) -> pa.Table:
    """Return the rows of a dataset that has one data file."""
    return read_table(folder / DATA_FILE)


def write_rows(folder: Path, rows: pa.Table, *, file: str = DATA_FILE) -> None:
    path = folder / file
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(rows, path)


def set_column(table: pa.Table, name: str, values: Any) -> pa.Table:
    """Return the table with other values in a column, of the same type."""
    position = table.schema.get_field_index(name)
    field = table.schema.field(name)
    if isinstance(values, np.ndarray) and values.ndim == 2:
        values = values.tolist()
    return table.set_column(position, field, pa.array(values, type=field.type))


def matrix(table: pa.Table, name: str) -> NDArray[np.float32]:
    """Return a copy of a column of lists as `(row, joint)`."""
    return np.array(table[name].to_pylist(), dtype=np.float32)


def vector(table: pa.Table, name: str) -> NDArray[Any]:
    """Return a copy of a column of numbers."""
    return np.array(table[name].to_numpy())


def rows_of(folder: Path, episode: int) -> NDArray[np.int64]:
    """Return the positions of an episode's rows."""
    return np.flatnonzero(vector(read_rows(folder), "episode_index") == episode)


def lengths(folder: Path) -> list[int]:
    """Return the lengths of the episodes, in order."""
    return list(read_table(folder / EPISODES_FILE)["length"].to_pylist())


def pick_episode(folder: Path, rng: np.random.Generator) -> int:
    """Return an episode, drawn."""
    return int(rng.integers(len(lengths(folder))))


def edit_motion(
    folder: Path,
    change: Callable[[NDArray[np.float32], NDArray[np.float32]], None],
    *,
    statistics: bool = True,
) -> None:
    """Change states and actions `(row, joint)` in place, and the stored statistics with them.

    A faulty recorder computes its statistics from the faulty rows, so they agree with each other.
    """
    rows = read_rows(folder)
    state, action = matrix(rows, STATE), matrix(rows, ACTION)
    change(state, action)
    rows = set_column(set_column(rows, STATE, state), ACTION, action)
    write_rows(folder, rows)
    if statistics:
        refresh_statistics(folder)


def edit_rows(folder: Path, **columns: Any) -> None:
    """Replace columns of the rows."""
    rows = read_rows(folder)
    for name, values in columns.items():
        rows = set_column(rows, name, values)
    write_rows(folder, rows)


def edit_episodes(folder: Path, change: Callable[[dict[str, list[Any]]], None]) -> None:
    """Change the columns of the episodes table in place."""
    file = folder / EPISODES_FILE
    table = read_table(file)
    columns = table.to_pydict()
    change(columns)
    pq.write_table(pa.Table.from_pydict(columns, schema=table.schema), file)


def read_json(file: Path) -> Any:
    return json.loads(file.read_text(encoding="utf-8"))


def edit_json(file: Path, change: Callable[[dict[str, Any]], None]) -> None:
    """Change a JSON file in place."""
    value = read_json(file)
    change(value)
    file.write_text(json.dumps(value, indent=4), encoding="utf-8")


def edit_info(folder: Path, change: Callable[[dict[str, Any]], None]) -> None:
    edit_json(folder / INFO_FILE, change)


def read_info(folder: Path) -> dict[str, Any]:
    return dict(read_json(folder / INFO_FILE))


def joint_names(folder: Path) -> list[str]:
    return list(read_info(folder)["features"][STATE]["names"])


def refresh_statistics(folder: Path, keys: tuple[str, ...] = (STATE, ACTION)) -> None:
    """Store the statistics of the rows as LeRobot does: by episode, then merged."""
    rows = read_rows(folder)
    index = vector(rows, "episode_index")
    stored = read_table(folder / EPISODES_FILE)
    present = [e for e in stored["episode_index"].to_pylist() if np.any(index == e)]
    merged: dict[str, Any] = {}
    by_key: dict[str, list[dict[str, Any]]] = {}
    for key in keys:
        values = matrix(rows, key).astype(np.float64) if _is_list(rows, key) else None
        values = vector(rows, key).astype(np.float64)[:, None] if values is None else values
        by_key[key] = [_statistics(values[index == episode]) for episode in present]
        merged[key] = _merge(by_key[key])
    if len(present) == len(stored):
        edit_episodes(folder, lambda columns: _store(columns, by_key))
    edit_json(folder / STATS_FILE, lambda stats: stats.update(merged))


def _is_list(rows: pa.Table, key: str) -> bool:
    return pa.types.is_list(rows.schema.field(key).type) or pa.types.is_fixed_size_list(
        rows.schema.field(key).type
    )


def _store(columns: dict[str, list[Any]], by_key: Mapping[str, list[dict[str, Any]]]) -> None:
    for key, episodes in by_key.items():
        for name in episodes[0]:
            if f"stats/{key}/{name}" in columns:
                columns[f"stats/{key}/{name}"] = [episode[name] for episode in episodes]


def _statistics(values: NDArray[np.float64]) -> dict[str, Any]:
    stats = {
        "min": values.min(axis=0).tolist(),
        "max": values.max(axis=0).tolist(),
        "mean": values.mean(axis=0).tolist(),
        "std": values.std(axis=0).tolist(),
        "count": [len(values)],
    }
    for name, share in _QUANTILES.items():
        stats[name] = np.quantile(values, share, axis=0).tolist()
    return stats


def _merge(episodes: list[dict[str, Any]]) -> dict[str, Any]:
    """Merge episodes' statistics; quantiles by weighted mean, as LeRobot's `aggregate_stats` does."""
    counts = np.array([episode["count"][0] for episode in episodes], dtype=np.float64)
    weights = (counts / counts.sum())[:, None]
    means, deviations = (np.array([e[name] for e in episodes]) for name in ("mean", "std"))
    mean = (weights * means).sum(axis=0)
    variance = (weights * (deviations**2 + (means - mean) ** 2)).sum(axis=0)
    merged = {
        "min": np.min([e["min"] for e in episodes], axis=0).tolist(),
        "max": np.max([e["max"] for e in episodes], axis=0).tolist(),
        "mean": mean.tolist(),
        "std": np.sqrt(variance).tolist(),
        "count": [int(counts.sum())],
    }
    for name in _QUANTILES:
        values = np.array([e[name] for e in episodes])
        merged[name] = (weights * values).sum(axis=0).tolist()
    return merged
