"""The stored statistics: `meta/stats.json`, and the columns `stats/...` of the episodes table."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fedarm.config_hotfixes import RecomputeStatistics
from fedarm.data.hotfixes.camera_statistics import camera_statistics
from fedarm.data.hotfixes.hotfix import NOTHING, Touched, hotfix
from fedarm.data.hotfixes.tables import (
    EPISODE_INDEX,
    STATS_FILE,
    cameras_of,
    declared_data_files,
    episode_statistics,
    integers,
    read_episode_rows,
    read_table,
    update_episodes,
)
from fedarm.data.info import read_info
from fedarm.data.split import split_episodes
from fedarm.errors import DataError
from fedarm.paths import read_json, write_json

QUANTILES: Mapping[str, float] = {"q01": 0.01, "q10": 0.1, "q50": 0.5, "q90": 0.9, "q99": 0.99}

# LeRobot sums in 32 bits and estimates quantiles from histograms: stored moments within this share of
# a feature's range are right, and are left as they are. The deviation of a joint that stays far from
# zero is the small difference of two large sums, and off by the root of the rounding of its squares.
_TOLERANCE = 1e-3
_ROUNDING = 1e-3
_MOMENTS = ("min", "max", "mean", "std")

Values = NDArray[np.float64]


@hotfix("recompute_statistics", repairs=("stored_statistics",), lossless=False, order=110)
def recompute_statistics(root: Path, settings: RecomputeStatistics) -> Touched:
    """Write the statistics of the train split, with the quantiles of format version 3.

    Raises:
        DataError: Values are not finite, or a file cannot be read.
    """
    info = read_info(root)
    rows = read_episode_rows(root)
    train = _train_episodes(rows, settings)
    keys = [key for key, value in info["features"].items() if _is_numeric(value)]
    by_episode = _values_by_episode(root, keys)
    fresh: dict[str, Any] = {
        key: vector_statistics(np.concatenate([values[index] for index in train]))
        for key, values in by_episode.items()
    }
    fresh |= camera_statistics(root, cameras_of(info), train)
    stored = _stored(root)
    wrong = sorted(key for key in fresh if not _agree(stored.get(key), fresh[key]))
    changed = _refresh_episodes(root, by_episode)
    if stored == fresh and not changed:
        return Touched(0, 0, (), NOTHING)
    write_json(root / STATS_FILE, fresh)
    share = f"computed from {len(train)} of {len(rows)} episodes"
    why = f"{share}; stored otherwise for {', '.join(wrong) or 'quantiles only'}"
    return Touched(0, 0, changed, why)


def refresh_statistics(root: Path, keys: Sequence[str]) -> None:
    """Write the stored statistics of features anew, over all episodes, where they are now wrong.

    Raises:
        DataError: Values are not finite, or a file cannot be read.
    """
    by_episode = _values_by_episode(root, keys)
    _refresh_episodes(root, by_episode)
    stored = _stored(root)
    fresh = {
        key: vector_statistics(np.concatenate(list(values.values())))
        for key, values in by_episode.items()
        if key in stored
    }
    wrong = {key: value for key, value in fresh.items() if not _agree(stored[key], value)}
    if wrong:
        write_json(root / STATS_FILE, {**stored, **wrong})


def restate_statistics(root: Path) -> None:
    """Write all stored statistics anew after episodes went: those of rows, and those of pixels.

    Raises:
        DataError: Values are not finite, or a file cannot be read.
    """
    info = read_info(root)
    stored = _stored(root)
    keys = [key for key, value in info["features"].items() if _is_numeric(value)]
    by_episode = _values_by_episode(root, keys)
    _refresh_episodes(root, by_episode)
    fresh: dict[str, Any] = {
        key: vector_statistics(np.concatenate(list(values.values())))
        for key, values in by_episode.items()
    }
    episodes = [int(row[EPISODE_INDEX]) for row in read_episode_rows(root)]
    fresh |= camera_statistics(root, cameras_of(info), episodes)
    write_json(root / STATS_FILE, {key: fresh.get(key, stored[key]) for key in stored})


def vector_statistics(values: Values) -> dict[str, list[float]]:
    """Return minimum, maximum, mean, population deviation, count and quantiles of each column.

    Args:
        values: `(row, column)`.
    """
    statistics = {
        "min": values.min(axis=0),
        "max": values.max(axis=0),
        "mean": values.mean(axis=0),
        "std": values.std(axis=0),
    }
    for name, share in QUANTILES.items():
        statistics[name] = np.quantile(values, share, axis=0)
    listed = {name: [float(x) for x in value] for name, value in statistics.items()}
    return {**listed, "count": [len(values)]}


def _is_numeric(feature: Mapping[str, Any]) -> bool:
    return str(feature.get("dtype")).startswith(("float", "int", "uint"))


def _train_episodes(
    rows: Sequence[Mapping[str, Any]], settings: RecomputeStatistics
) -> tuple[int, ...]:
    indices = [int(row[EPISODE_INDEX]) for row in rows]
    if not settings.held_out:
        return tuple(indices)
    tasks = [tuple(row["tasks"]) for row in rows]
    split = split_episodes(tasks, held_out=settings.held_out, seed=settings.seed)
    return tuple(indices[position] for position in split.train)


def _values_by_episode(root: Path, keys: Iterable[str]) -> dict[str, dict[int, Values]]:
    """Return the values `(row, column)` of each feature, by episode."""
    found: dict[str, dict[int, list[Values]]] = {key: {} for key in keys}
    for file in declared_data_files(root):
        table = read_table(file)
        episodes = integers(table, EPISODE_INDEX)
        for key in found:
            values = _matrix(table, key, file)
            for episode in np.unique(episodes).tolist():
                found[key].setdefault(episode, []).append(values[episodes == episode])
    return {
        key: {episode: np.concatenate(parts) for episode, parts in sorted(values.items())}
        for key, values in found.items()
    }


def _matrix(table: Any, key: str, file: Path) -> Values:
    if key not in table.column_names:
        raise DataError("a column is missing", file=file, key=key, remedy="record it again")
    rows = table[key].to_numpy(zero_copy_only=False)
    values = np.stack(rows) if rows.dtype == object else rows
    matrix = np.asarray(values, dtype=np.float64).reshape(len(rows), -1)
    if not np.isfinite(matrix).all():
        raise DataError(
            "statistics of values that are not finite numbers mean nothing",
            file=file,
            key=key,
            remedy="add the hotfix `drop_episodes`, which leaves such episodes out",
        )
    return matrix


def _refresh_episodes(
    root: Path, by_episode: Mapping[str, Mapping[int, Values]]
) -> tuple[int, ...]:
    """Correct the statistics of single episodes where they are wrong; return those episodes."""
    stored = {key: episode_statistics(root, key) for key in by_episode}
    updates: dict[int, dict[str, Any]] = {}
    for key, episodes in by_episode.items():
        for episode, values in episodes.items():
            fresh = vector_statistics(values)
            if episode in stored[key] and not _agree(stored[key][episode], fresh):
                cells = {f"stats/{key}/{name}": value for name, value in fresh.items()}
                updates.setdefault(episode, {}).update(cells)
    return update_episodes(root, updates) if updates else ()


def _agree(stored: Mapping[str, Any] | None, fresh: Mapping[str, Any]) -> bool:
    """Return whether stored statistics are those of the values, as far as LeRobot computes them."""
    if stored is None or not set(fresh) <= set(stored):
        return False
    low, high = np.asarray(fresh["min"]), np.asarray(fresh["max"])
    slack = _TOLERANCE * (high - low) + 1e-6
    rounding = _ROUNDING * np.maximum(np.abs(low), np.abs(high))
    for name in _MOMENTS:
        given, wanted = np.asarray(stored[name], float), np.asarray(fresh[name])
        if given.shape != wanted.shape:
            return False
        allowed = slack + rounding if name == "std" else slack
        if not (np.abs(given - wanted) <= allowed).all():
            return False
    return [int(x) for x in np.ravel(stored["count"])] == [int(x) for x in np.ravel(fresh["count"])]


def _stored(root: Path) -> dict[str, Any]:
    file = root / STATS_FILE
    return dict(read_json(file)) if file.is_file() else {}
