"""A dataset made larger by copies of its own episodes; each copy of a video is a file of its own."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from .film import camera_keys, video_file
from .tables import (
    ACTION,
    EPISODES_FILE,
    STATE,
    edit_info,
    matrix,
    read_rows,
    read_table,
    refresh_statistics,
    set_column,
    vector,
    write_rows,
)


def enlarge(folder: Path, copies: int) -> None:
    """Make a dataset of one data file and one video a camera so many times as large, in place.

    Copies of an episode are told apart by how far their joints move, or they would be duplicates.
    """
    rows, episodes = read_rows(folder), read_table(folder / EPISODES_FILE)
    for copy, camera in product(range(1, copies), camera_keys(folder)):
        name = video_file(folder, camera)
        shutil.copyfile(folder / name, folder / name.replace("file-000", f"file-{copy:03d}"))
    numbers = range(copies)
    write_rows(folder, pa.concat_tables([_copy_rows(rows, len(episodes), n) for n in numbers]))
    tables = [_copy_episodes(episodes, rows.num_rows, n, camera_keys(folder)) for n in numbers]
    pq.write_table(pa.concat_tables(tables), folder / EPISODES_FILE)

    def restate(info: dict[str, Any]) -> None:
        info["total_frames"] *= copies
        info["total_episodes"] *= copies
        info["splits"] = {"train": f"0:{info['total_episodes']}"}

    edit_info(folder, restate)
    refresh_statistics(folder, (STATE, ACTION, "episode_index", "index"))


def _copy_rows(rows: pa.Table, episodes: int, copy: int) -> pa.Table:
    rng = np.random.default_rng(copy)
    scales = rng.uniform(0.9, 1.1, size=(episodes, 6))[vector(rows, "episode_index")]
    for key in (STATE, ACTION):
        rows = set_column(rows, key, (matrix(rows, key) * scales).astype(np.float32))
    rows = set_column(rows, "index", vector(rows, "index") + copy * rows.num_rows)
    index = vector(rows, "episode_index") + copy * episodes
    return set_column(rows, "episode_index", index)


def _copy_episodes(episodes: pa.Table, rows: int, copy: int, cameras: Sequence[str]) -> pa.Table:
    moves = {
        "episode_index": copy * len(episodes),
        "dataset_from_index": copy * rows,
        "dataset_to_index": copy * rows,
    } | {f"videos/{camera}/file_index": copy for camera in cameras}
    for name, move in moves.items():
        episodes = set_column(episodes, name, np.array(episodes[name].to_pylist()) + move)
    return episodes
