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

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fedarm.data.parquet import REMEDY, matrix_column, read_columns, vector_column
from fedarm.errors import DataError

STATE = "observation.state"
ACTION = "action"
SUPPORTED_VERSION = "v3.0"

_INFO = "meta/info.json"
_TASKS = "meta/tasks.parquet"
_EPISODES = "meta/episodes"
_SPAN_COLUMNS = ("chunk_index", "file_index", "from_timestamp", "to_timestamp")
_INDEX_COLUMNS = ("episode_index", "frame_index", "task_index")


@dataclass(frozen=True)
class DatasetInfo:
    """What `meta/info.json` says of a dataset.

    Attributes:
        codebase_version: LeRobot's format version, `v3.0`.
        fps: Frames a second.
        robot_type: The robot, for example `so101_follower`.
        state_names: Names of the state's joints, for example `shoulder_pan.pos`.
        action_names: Names of the action's joints.
        image_shapes: `(height, width, channel)` of each camera, by feature key.
        total_episodes: Episodes declared.
        total_frames: Frames declared.
    """

    codebase_version: str
    fps: float
    robot_type: str
    state_names: tuple[str, ...]
    action_names: tuple[str, ...]
    image_shapes: Mapping[str, tuple[int, int, int]]
    total_episodes: int
    total_frames: int

    @property
    def cameras(self) -> tuple[str, ...]:
        """Feature keys of the cameras, sorted."""
        return tuple(sorted(self.image_shapes))


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
    raw_info = _read_info(root)
    info = _parse_info(raw_info, root / _INFO)
    episodes = _read_episodes(root, raw_info, info.cameras)
    columns = _read_rows(root, episodes, (len(info.state_names), len(info.action_names)))
    return Dataset(root=root, info=info, episodes=episodes, tasks=_read_tasks(root), **columns)


def _read_info(root: Path) -> dict[str, Any]:
    file = root / _INFO
    if not file.is_file():
        raise DataError(
            "not a LeRobot dataset: its metadata is missing",
            file=file,
            remedy="give the folder that holds `meta/`, `data/` and `videos/`",
        )
    try:
        info = json.loads(file.read_text(encoding="utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise DataError(f"not valid JSON: {error}", file=file, remedy=REMEDY) from None
    version = info.get("codebase_version") if isinstance(info, dict) else None
    if version != SUPPORTED_VERSION:
        raise DataError(
            "a dataset of another format version",
            file=file,
            key="codebase_version",
            value=version,
            remedy="convert it with `python -m lerobot.scripts.convert_dataset_v21_to_v30`",
        )
    return dict(info)


def _parse_info(info: Mapping[str, Any], file: Path) -> DatasetInfo:
    features = _require(info, "features", dict, file)
    fps = _require(info, "fps", (int, float), file)
    if fps <= 0:
        raise DataError("fps must be positive", file=file, key="fps", value=fps, remedy=REMEDY)
    return DatasetInfo(
        codebase_version=info["codebase_version"],
        fps=float(fps),
        robot_type=str(info.get("robot_type")),
        state_names=_joint_names(features, STATE, file),
        action_names=_joint_names(features, ACTION, file),
        image_shapes=_image_shapes(features, file),
        total_episodes=_require(info, "total_episodes", int, file),
        total_frames=_require(info, "total_frames", int, file),
    )


def _require(
    mapping: Mapping[str, Any], key: str, kind: type | tuple[type, ...], file: Path
) -> Any:
    value = mapping.get(key)
    if not isinstance(value, kind) or isinstance(value, bool):
        raise DataError(
            "a key is missing or has the wrong type",
            file=file,
            key=key,
            value=value,
            remedy=REMEDY,
        )
    return value


def _joint_names(features: Mapping[str, Any], key: str, file: Path) -> tuple[str, ...]:
    feature = _require(features, key, dict, file)
    names = feature.get("names")
    # Older recordings nest the list: {"motors": [...]}.
    if isinstance(names, dict) and len(names) == 1:
        names = next(iter(names.values()))
    shape = feature.get("shape")
    if not isinstance(names, list) or shape != [len(names)]:
        raise DataError(
            "a feature needs one name a joint",
            file=file,
            key=f"features.{key}.names",
            value=names,
            remedy=f"give {shape} names in the order of the columns",
        )
    return tuple(str(name) for name in names)


def _image_shapes(features: Mapping[str, Any], file: Path) -> dict[str, tuple[int, int, int]]:
    shapes: dict[str, tuple[int, int, int]] = {}
    for key, feature in features.items():
        if feature.get("dtype") == "image":
            raise DataError(
                "cameras stored as single images are not supported",
                file=file,
                key=f"features.{key}.dtype",
                value="image",
                remedy="record with `use_videos=True`",
            )
        if feature.get("dtype") != "video":
            continue
        shape = feature.get("shape")
        if not isinstance(shape, list) or len(shape) != 3 or shape[2] != 3:
            raise DataError(
                "a camera's shape must be (height, width, 3)",
                file=file,
                key=f"features.{key}.shape",
                value=shape,
                remedy=REMEDY,
            )
        shapes[key] = (int(shape[0]), int(shape[1]), 3)
    return shapes


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
    rows.sort(key=lambda row: row["episode_index"])
    templates = {
        key: _require(info, key, str, root / _INFO)
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
