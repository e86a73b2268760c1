"""Statistics of cameras' pixels over some episodes, from those that the episodes table stores."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from fedarm.data.hotfixes.tables import (
    STATS_FILE,
    episode_statistics,
)
from fedarm.paths import read_json


def camera_statistics(
    root: Path, cameras: Sequence[str], episodes: Sequence[int]
) -> dict[str, dict[str, Any]]:
    """Return the cameras' statistics over some episodes, without decoding their videos.

    Each episode's moments and quantiles are weighted by the pixels that they were computed from, as
    LeRobot aggregates them. A camera whose episodes store none keeps what `meta/stats.json` says.
    """
    stored = read_json(root / STATS_FILE) if (root / STATS_FILE).is_file() else {}
    found = {}
    for camera in cameras:
        parts = episode_statistics(root, camera)
        if set(episodes) <= set(parts):
            found[camera] = _aggregate([parts[episode] for episode in episodes])
        elif camera in stored:
            found[camera] = stored[camera]
    return found


def _aggregate(parts: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Aggregate moments and quantiles of disjoint sets of pixels; shapes are kept."""
    columns = {name: np.array([part[name] for part in parts], float) for name in parts[0]}
    counts = columns.pop("count")
    weights = counts.reshape(len(parts), *[1] * (columns["mean"].ndim - 1)) / counts.sum()
    mean = (columns["mean"] * weights).sum(axis=0)
    spread = columns["std"] ** 2 + (columns["mean"] - mean) ** 2
    result = {name: (values * weights).sum(axis=0) for name, values in columns.items()}
    result |= {
        "min": columns["min"].min(axis=0),
        "max": columns["max"].max(axis=0),
        "mean": mean,
        "std": np.sqrt((spread * weights).sum(axis=0)),
    }
    listed = {name: values.tolist() for name, values in result.items()}
    return {**listed, "count": [int(counts.sum())]}
