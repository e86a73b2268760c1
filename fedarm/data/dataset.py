"""A LeRobot v3 dataset on disk, read as its metadata declares it.

    meta/info.json                              fps, features, path templates
    meta/tasks.parquet                          task index and task string
    meta/episodes/chunk-000/file-000.parquet    length, data file and video span of each episode
    data/chunk-000/file-000.parquet             one row a frame
    videos/<camera>/chunk-000/file-000.mp4      many episodes one after the other

Only files that the episodes table names are read. Some public revisions hold version 2.1 files beside
those of version 3, and a reader that takes every parquet below `data/` sees each row twice
(https://github.com/huggingface/lerobot/issues/1875).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fedarm.data.info import (
    ACTION,
    INFO_FILE,
    STATE,
    DatasetInfo,
    parse_info,
    read_info,
    require,
)
from fedarm.data.parquet import REMEDY, matrix_column, read_columns, vector_column
from fedarm.errors import DataError

_TASKS = "meta/tasks.parquet"
_EPISODES = "meta/episodes"
_SPAN_COLUMNS = ("chunk_index", "file_index", "from_timestamp", "to_timestamp")
_INDEX_COLUMNS = ("episode_index", "frame_index", "task_index")


@dataclass(frozen=True)
class VideoSpan:
    """Where in which video file an episode lies.

    Attributes:
        file: Path of the video below the dataset's root.
        from_s: Time of the episode's first frame in that file.
        to_s: Time at which the episode ends.
    """

    file: str
    from_s: float
    to_s: float


@dataclass(frozen=True)
class Episode:
    """One row of the episodes table."""

    index: int
    length: int
    tasks: tuple[str, ...]
    data_file: str
    videos: Mapping[str, VideoSpan]


@dataclass(frozen=True)
class Dataset:
    """A dataset's low-dimensional columns and where its pixels are.

    Attributes:
        root: The dataset's folder.
        info: What `meta/info.json` says.
        episodes: The episodes table, sorted by index.
        tasks: Task strings; `task_index` points into them.
        state: `(frame, joint)`, degrees and percent of gripper opening for an SO-101.
        action: `(frame, joint)`, units as the state's.
        episode_index: `(frame,)`.
        frame_index: `(frame,)`, counted from 0 in each episode.
        task_index: `(frame,)`.
        timestamp: `(frame,)`, seconds from the episode's start.
    """

    root: Path
    info: DatasetInfo
    episodes: tuple[Episode, ...]
    tasks: tuple[str, ...]
    state: NDArray[np.float32]
    action: NDArray[np.float32]
    episode_index: NDArray[np.int64]
    frame_index: NDArray[np.int64]
    task_index: NDArray[np.int64]
    timestamp: NDArray[np.float64]


def open_dataset(root: Path) -> Dataset:
    """Read a LeRobot v3 dataset's metadata and tables; its videos are not opened.

    Rows come in the order of the declared files. Nothing is repaired: whether the rows make sense is
    for `fedarm.data.checks` to say.

    Raises:
        DataError: Not a dataset, another format version, or a declared file or column is missing or
            unreadable.
    """
    metadata = open_metadata(root)
    info = metadata.info
    widths = (len(info.state_names), len(info.action_names))
    rows: dict[str, Any] = dict(_read_rows(root, metadata.episodes, widths))
    return replace(metadata, **rows)


def open_metadata(root: Path) -> Dataset:
    """Read a dataset's metadata only; its columns are there, with no rows.

    Raises:
        DataError: Not a dataset, another format version, or metadata that is missing or unreadable.
    """
    raw_info = read_info(root)
    info = parse_info(raw_info, root / INFO_FILE)
    return Dataset(
        root=root,
        info=info,
        episodes=_read_episodes(root, raw_info, info.cameras),
        tasks=_read_tasks(root),
        state=np.zeros((0, len(info.state_names)), np.float32),
        action=np.zeros((0, len(info.action_names)), np.float32),
        timestamp=np.zeros(0, np.float64),
        **{name: np.zeros(0, np.int64) for name in _INDEX_COLUMNS},
    )


def _read_episodes(
    root: Path, info: Mapping[str, Any], cameras: tuple[str, ...]
) -> tuple[Episode, ...]:
    folder = root / _EPISODES
    files = sorted(folder.rglob("*.parquet"))
    if not files:
        raise DataError("the episodes table is missing", file=folder, remedy=REMEDY)
    wanted = ["episode_index", "length", "tasks", "data/chunk_index", "data/file_index"]
    for camera in cameras:
        wanted += [f"videos/{camera}/{name}" for name in _SPAN_COLUMNS]
    rows = [row for file in files for row in read_columns(file, wanted).to_pylist()]
    if not rows:
        raise DataError("the dataset has no episode", file=folder, remedy="record some")
    rows.sort(key=lambda row: row["episode_index"])
    templates = {
        key: require(info, key, str, root / INFO_FILE)
        for key in (("data_path", "video_path") if cameras else ("data_path",))
    }
    return tuple(_parse_episode(row, cameras, templates) for row in rows)


def _parse_episode(
    row: Mapping[str, Any], cameras: tuple[str, ...], templates: Mapping[str, str]
) -> Episode:
    videos = {}
    for camera in cameras:
        chunk, file, from_s, to_s = (row[f"videos/{camera}/{name}"] for name in _SPAN_COLUMNS)
        path = templates["video_path"].format(video_key=camera, chunk_index=chunk, file_index=file)
        videos[camera] = VideoSpan(file=path, from_s=from_s, to_s=to_s)
    return Episode(
        index=row["episode_index"],
        length=row["length"],
        tasks=tuple(row["tasks"]),
        data_file=templates["data_path"].format(
            chunk_index=row["data/chunk_index"], file_index=row["data/file_index"]
        ),
        videos=videos,
    )


def _read_tasks(root: Path) -> tuple[str, ...]:
    file = root / _TASKS
    table = read_columns(file, ["task_index"], also=("task", "__index_level_0__"))
    # The task strings are a pandas index, whose stored name depends on the pandas that wrote it.
    text_column = next((name for name in table.column_names if name != "task_index"), None)
    if text_column is None:
        raise DataError("a column is missing", file=file, key="task", remedy=REMEDY)
    by_index = dict(zip(*(table[c].to_pylist() for c in ("task_index", text_column)), strict=True))
    if sorted(by_index) != list(range(len(by_index))):
        raise DataError(
            "task indices must count from 0 without gaps",
            file=file,
            key="task_index",
            value=sorted(by_index),
            remedy=REMEDY,
        )
    return tuple(str(by_index[index] or "") for index in range(len(by_index)))


def _read_rows(
    root: Path, episodes: tuple[Episode, ...], widths: tuple[int, int]
) -> dict[str, NDArray[Any]]:
    files = list(dict.fromkeys(episode.data_file for episode in episodes))
    tables = [
        (root / file, read_columns(root / file, [STATE, ACTION, "timestamp", *_INDEX_COLUMNS]))
        for file in files
    ]
    columns: dict[str, NDArray[Any]] = {
        name: np.concatenate(
            [matrix_column(table, key, width, file=file) for file, table in tables]
        )
        for name, key, width in zip(("state", "action"), (STATE, ACTION), widths, strict=True)
    }
    for name in _INDEX_COLUMNS:
        columns[name] = np.concatenate(
            [vector_column(t, name, np.int64, file=f) for f, t in tables]
        )
    columns["timestamp"] = np.concatenate(
        [vector_column(table, "timestamp", np.float64, file=file) for file, table in tables]
    )
    return columns
