"""A dataset decoded once: pixels in a memory-mapped array, the other columns as plain arrays.

    frames.npy      uint8 (frame, camera, height, width, channel), RGB
    columns.npz     state, action, episode_index, frame_index, task_index, timestamp
    manifest.json   shapes, names and the digests of the two

Decoding a frame and gathering its action chunk take nearly all of the time of LeRobot's own loader; here
the first is done once and the second is one array lookup a batch. The cache does not know the split.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib.format import open_memmap
from numpy.typing import NDArray

from fedarm.data.dataset import Dataset, open_dataset
from fedarm.data.decoding import decode_camera
from fedarm.errors import DataError, ResultsError
from fedarm.paths import atomic_dir, read_json, write_json
from fedarm.provenance import digest_file

SCHEMA_VERSION = 1

_FRAMES = "frames.npy"
_COLUMNS = "columns.npz"
_MANIFEST = "manifest.json"
_COLUMN_NAMES = ("state", "action", "episode_index", "frame_index", "task_index", "timestamp")
_BUILD_AGAIN = "delete the folder and build the cache again"


@dataclass(frozen=True)
class CachedDataset:
    """A dataset in memory, but for its pixels, which are mapped from disk.

    Attributes:
        root: The cache's folder.
        fps: Frames a second.
        robot_type: The robot, for example `so101_follower`.
        cameras: Feature keys of the cameras, in the order of the frames' second axis.
        state_names: Names of the state's joints.
        action_names: Names of the action's joints.
        tasks: Task strings; `task_index` points into them.
        frames: `(frame, camera, height, width, channel)`, RGB, read only.
        state: `(frame, joint)`.
        action: `(frame, joint)`.
        episode_index: `(frame,)`.
        frame_index: `(frame,)`, counted from 0 in each episode.
        task_index: `(frame,)`.
        timestamp: `(frame,)`, seconds from the episode's start.
    """

    root: Path
    fps: float
    robot_type: str
    cameras: tuple[str, ...]
    state_names: tuple[str, ...]
    action_names: tuple[str, ...]
    tasks: tuple[str, ...]
    frames: NDArray[np.uint8]
    state: NDArray[np.float32]
    action: NDArray[np.float32]
    episode_index: NDArray[np.int64]
    frame_index: NDArray[np.int64]
    task_index: NDArray[np.int64]
    timestamp: NDArray[np.float64]

    def __len__(self) -> int:
        """Return the number of frames."""
        return len(self.state)

    @cached_property
    def episode_starts(self) -> NDArray[np.int64]:
        """`(episode,)`: the first row of each episode."""
        return np.flatnonzero(self.frame_index == 0)

    @cached_property
    def episode_ends(self) -> NDArray[np.int64]:
        """`(episode,)`: the row after the last of each episode."""
        return np.append(self.episode_starts[1:], len(self))

    @property
    def episodes(self) -> tuple[int, ...]:
        """Episode indices in the order of the rows."""
        return tuple(int(index) for index in self.episode_index[self.episode_starts])

    @property
    def episode_tasks(self) -> tuple[int, ...]:
        """The task index of each episode, as `split_episodes` wants it."""
        return tuple(int(index) for index in self.task_index[self.episode_starts])

    def rows_of(self, episodes: Iterable[int]) -> NDArray[np.int64]:
        """Return the rows `(row,)` of some episodes, ascending.

        Raises:
            DataError: An episode is not in the dataset.
        """
        wanted = sorted(set(episodes))
        missing = sorted(set(wanted) - set(self.episodes))
        if missing:
            raise DataError(
                "no such episodes in the dataset",
                file=self.root,
                key="episode_index",
                value=missing,
                remedy=f"the dataset has {len(self.episodes)} episodes; count from 0",
            )
        return np.flatnonzero(np.isin(self.episode_index, wanted))

    def chunks(
        self, rows: NDArray[np.int64], horizon: int
    ) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """Return the actions from each row on, as LeRobot's `delta_timestamps` gives them.

        Past the end of its episode a chunk repeats the last action and is marked as padding.

        Args:
            rows: Rows `(row,)`.
            horizon: Actions a chunk.

        Returns:
            `action_chunk (row, horizon, joint)` and `is_pad (row, horizon)`.
        """
        episode = np.searchsorted(self.episode_ends, rows, side="right")
        ends = self.episode_ends[episode][:, None]
        wanted = rows[:, None] + np.arange(horizon)
        return self.action[np.minimum(wanted, ends - 1)], wanted >= ends


def build_frame_cache(root: Path, out: Path, *, image_size: int) -> dict[str, Any]:
    """Decode a dataset into `out` and return the cache's manifest.

    Args:
        root: A LeRobot v3 dataset.
        out: The cache's folder; replaced when it exists.
        image_size: Side of the square images, in pixels.

    Raises:
        DataError: The dataset cannot be read, or its rows are not those that its episodes declare.
        ResultsError: The cache cannot be written.
    """
    dataset = open_dataset(root)
    _check_row_order(dataset)
    with atomic_dir(out) as folder:
        shape = _write_frames(folder / _FRAMES, dataset, image_size)
        np.savez(folder / _COLUMNS, **{name: getattr(dataset, name) for name in _COLUMN_NAMES})
        manifest = {
            "schema_version": SCHEMA_VERSION,
            "fps": dataset.info.fps,
            "robot_type": dataset.info.robot_type,
            "cameras": list(dataset.info.cameras),
            "state_names": list(dataset.info.state_names),
            "action_names": list(dataset.info.action_names),
            "tasks": list(dataset.tasks),
            "frames_shape": list(shape),
            "frames_bytes": (folder / _FRAMES).stat().st_size,
            "frames_sha256": digest_file(folder / _FRAMES),
            "columns_sha256": digest_file(folder / _COLUMNS),
        }
        write_json(folder / _MANIFEST, manifest)
    return manifest


def open_frame_cache(path: Path) -> CachedDataset:
    """Open a cache; pixels are read from disk when they are used.

    The small files are compared with their digests, the pixels with their size and shape only.

    Raises:
        DataError: Not a cache, one of another schema version, truncated, or changed since it was built.
    """
    manifest = _read_manifest(path)
    _check_digest(path / _COLUMNS, manifest["columns_sha256"])
    with np.load(path / _COLUMNS) as stored:
        columns = {name: stored[name] for name in _COLUMN_NAMES}
    return CachedDataset(
        root=path,
        fps=manifest["fps"],
        robot_type=manifest["robot_type"],
        cameras=tuple(manifest["cameras"]),
        state_names=tuple(manifest["state_names"]),
        action_names=tuple(manifest["action_names"]),
        tasks=tuple(manifest["tasks"]),
        frames=_map_frames(path / _FRAMES, manifest),
        **columns,
    )


def _check_row_order(dataset: Dataset) -> None:
    """Make sure that row i of the tables is frame i of the episodes' videos."""
    episodes = np.repeat(
        [episode.index for episode in dataset.episodes],
        [episode.length for episode in dataset.episodes],
    )
    frames = np.concatenate([np.arange(episode.length) for episode in dataset.episodes])
    for key, declared in (("episode_index", episodes), ("frame_index", frames)):
        stored = getattr(dataset, key)
        if not np.array_equal(stored, declared):
            raise DataError(
                "the rows are not those that the episodes table declares",
                file=dataset.root,
                key=key,
                value=f"{len(stored)} rows, {len(declared)} declared",
                remedy="see the dataset's checks.json: rows are missing, doubled or out of order",
            )


def _write_frames(file: Path, dataset: Dataset, image_size: int) -> tuple[int, ...]:
    shape = (len(dataset.state), len(dataset.info.cameras), image_size, image_size, 3)
    frames = open_memmap(  # type: ignore[no-untyped-call]
        file, mode="w+", dtype=np.uint8, shape=shape
    )
    for position, camera in enumerate(dataset.info.cameras):
        row = 0
        for chunk in decode_camera(dataset, camera, image_size=image_size):
            if row + len(chunk) > len(frames):
                break
            frames[row : row + len(chunk), position] = chunk
            row += len(chunk)
        if row != len(frames):
            raise DataError(
                "a camera has another number of frames than the tables have rows",
                file=dataset.root,
                key=camera,
                value=f"{row} frames, {len(frames)} rows",
                remedy="see the dataset's checks.json",
            )
    frames.flush()
    return shape


def _read_manifest(path: Path) -> dict[str, Any]:
    file = path / _MANIFEST
    try:
        manifest = read_json(file)
    except ResultsError as error:
        raise DataError(f"not a frame cache: {error}", file=path, remedy=_BUILD_AGAIN) from None
    version = manifest.get("schema_version") if isinstance(manifest, dict) else None
    if version != SCHEMA_VERSION or "frames_shape" not in manifest:
        raise DataError(
            "not a frame cache of this version of fedarm",
            file=file,
            key="schema_version",
            value=version,
            remedy=_BUILD_AGAIN,
        )
    return dict(manifest)


def _check_digest(file: Path, expected: str) -> None:
    if not file.is_file() or digest_file(file) != expected:
        raise DataError(
            "a file of the frame cache is missing or was changed", file=file, remedy=_BUILD_AGAIN
        )


def _map_frames(file: Path, manifest: dict[str, Any]) -> NDArray[np.uint8]:
    size = file.stat().st_size if file.is_file() else 0
    if size != manifest["frames_bytes"]:
        raise DataError(
            "the frame cache is truncated",
            file=file,
            key="bytes",
            value=f"{size} of {manifest['frames_bytes']}",
            remedy=_BUILD_AGAIN,
        )
    frames: NDArray[np.uint8] = np.load(file, mmap_mode="r")
    if list(frames.shape) != manifest["frames_shape"] or frames.dtype != np.uint8:
        raise DataError(
            "the frames have another shape than the manifest says",
            file=file,
            key="frames_shape",
            value=list(frames.shape),
            remedy=_BUILD_AGAIN,
        )
    return frames
