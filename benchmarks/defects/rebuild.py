"""A dataset made anew from runs of its rows, with pictures, metadata and statistics that agree."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray

from .film import camera_keys, decode, encode, video_file
from .tables import (
    ACTION,
    EPISODES_FILE,
    STATE,
    edit_episodes,
    edit_info,
    lengths,
    read_info,
    read_rows,
    read_table,
    refresh_statistics,
    rows_of,
    set_column,
    vector,
    write_rows,
)

Run = NDArray[np.int64]
_COUNTED = ("timestamp", "frame_index", "episode_index", "index")


def episode_runs(folder: Path) -> list[Run]:
    """Return the rows of each episode, as `rebuild` takes them."""
    return [rows_of(folder, episode) for episode in range(len(lengths(folder)))]


def rebuild(folder: Path, runs: Sequence[Run], *, fps: int | None = None) -> None:
    """Make each run an episode, as if it had been recorded so.

    Args:
        folder: The dataset, with one data file and one video a camera.
        runs: Positions of rows; a row may come several times and in any order.
        fps: The rate to stamp; by default the old one.
    """
    rate = fps or int(read_info(folder)["fps"])
    old = read_rows(folder)
    kept = np.concatenate(runs)
    counts = [len(run) for run in runs]
    sources = [int(vector(old, "episode_index")[run[0]]) for run in runs]
    frame = np.concatenate([np.arange(count) for count in counts])
    columns = {
        "frame_index": frame,
        "index": np.arange(len(kept)),
        "episode_index": np.repeat(np.arange(len(runs)), counts),
        "timestamp": frame / rate,
    }
    rows = old.take(kept)
    for name, values in columns.items():
        rows = set_column(rows, name, values)
    write_rows(folder, rows)
    for camera in camera_keys(folder):
        file = folder / video_file(folder, camera)
        encode(file, decode(file)[kept], fps=rate)
    _restate_episodes(folder, sources, counts, rate)
    edit_info(folder, lambda info: _restate_info(info, rate, counts))
    refresh_statistics(folder, (STATE, ACTION, *_COUNTED))


def _restate_info(info: dict[str, Any], fps: int, counts: Sequence[int]) -> None:
    info.update(fps=fps, total_frames=sum(counts), total_episodes=len(counts))
    info["splits"] = {"train": f"0:{len(counts)}"}
    for feature in info["features"].values():
        if feature["dtype"] == "video":
            feature["info"]["video.fps"] = fps


def _restate_episodes(
    folder: Path, sources: Sequence[int], counts: Sequence[int], fps: int
) -> None:
    table = read_table(folder / EPISODES_FILE)
    pq.write_table(table.take(np.array(sources)), folder / EPISODES_FILE)
    ends = np.cumsum(counts)
    starts = ends - counts

    def restate(columns: dict[str, list[Any]]) -> None:
        columns["episode_index"] = list(range(len(counts)))
        columns["length"] = list(counts)
        columns["dataset_from_index"] = starts.tolist()
        columns["dataset_to_index"] = ends.tolist()
        for camera in camera_keys(folder):
            columns[f"videos/{camera}/from_timestamp"] = (starts / fps).tolist()
            columns[f"videos/{camera}/to_timestamp"] = (ends / fps).tolist()

    edit_episodes(folder, restate)
