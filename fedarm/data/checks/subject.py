"""What checks look at: the dataset's files, its metadata, its rows and its videos, each read once."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from fedarm.data.checks.footage import Footage, measure_footage
from fedarm.data.dataset import Dataset, Episode, open_dataset, open_metadata
from fedarm.data.decoding import span_frames
from fedarm.data.info import ACTION, INFO_FILE, STATE
from fedarm.errors import DataError

# How much of a dataset can be read; a check says how much it needs.
Level = Literal["folder", "metadata", "rows"]
LEVELS: tuple[Level, ...] = ("folder", "metadata", "rows")


@dataclass(frozen=True)
class Track:
    """An episode's joints over time, each frame once and in order.

    Attributes:
        episode: The episode index.
        frame: `(frame,)`, frame indices.
        state: `(frame, joint)`.
        action: `(frame, joint)`.
        task: The task's index, or -1.
    """

    episode: int
    frame: NDArray[np.int64]
    state: NDArray[np.float64]
    action: NDArray[np.float64]
    task: int


@dataclass(frozen=True)
class Clip:
    """An episode's part of a video, as far as it was decoded."""

    episode: Episode
    camera: str
    file: str
    footage: Footage
    span: slice

    @property
    def change(self) -> NDArray[np.float64]:
        """`(frame,)`, difference to the frame before in the file, in grey levels."""
        return self.footage.change[self.span]


@dataclass(frozen=True)
class Subject:
    """A dataset under test.

    Attributes:
        root: Its folder.
        level: How much of it could be read.
        problem: Why no more could be read, or None.
        opened: The dataset; without rows at level `metadata`, None at level `folder`.
    """

    root: Path
    level: Level
    problem: DataError | None
    opened: Dataset | None

    @classmethod
    def open(cls, root: Path) -> Subject:
        """Read as much of a folder as can be read."""
        try:
            return cls(root, "rows", None, open_dataset(root))
        except DataError as problem:
            metadata = _unless_broken(lambda: open_metadata(root))
            level: Level = "folder" if metadata is None else "metadata"
            return cls(root, level, problem, metadata)

    @property
    def dataset(self) -> Dataset:
        """The dataset, for checks that need more than the folder.

        Raises:
            DataError: Its metadata cannot be read.
        """
        if self.opened is None:
            raise self.problem or DataError("the metadata cannot be read", file=self.root)
        return self.opened

    @cached_property
    def raw_info(self) -> Mapping[str, Any]:
        """The content of `meta/info.json`; empty when it is not a JSON object."""
        try:
            content = json.loads((self.root / INFO_FILE).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return content if isinstance(content, dict) else {}

    @cached_property
    def tracks(self) -> tuple[Track, ...]:
        """The episodes with at least three rows, all of them finite; others are other checks' matter."""
        dataset = self.dataset
        order = np.lexsort((dataset.frame_index, dataset.episode_index))
        keys = np.stack([dataset.episode_index[order], dataset.frame_index[order]])
        # Each (episode, frame) once; the order is stable, so the first of doubled rows stays.
        fresh = np.ones(len(order), np.bool_)
        fresh[1:] = np.abs(np.diff(keys)).sum(axis=0) > 0
        order = order[fresh]
        finite = np.isfinite(np.hstack([dataset.state, dataset.action])).all(axis=1)
        borders = np.flatnonzero(np.diff(dataset.episode_index[order])) + 1
        return tuple(
            _track(dataset, rows)
            for rows in np.split(order, borders)
            if len(rows) >= 3 and np.all(np.take(finite, rows))
        )

    @cached_property
    def videos(self) -> Mapping[str, Footage]:
        """Each declared video file, by its path below the dataset's root."""
        files = {span.file for episode in self.dataset.episodes for span in episode.videos.values()}
        return measure_footage(self.root, sorted(files))

    @cached_property
    def clips(self) -> tuple[Clip, ...]:
        """The part of its videos that each episode declares, cut to what was decoded."""
        clips = []
        for episode in self.dataset.episodes:
            for camera, span in sorted(episode.videos.items()):
                footage = self.videos[span.file]
                frames = span_frames(span, self.dataset.info.fps)
                begin, end = (min(max(n, 0), footage.frames) for n in (frames.start, frames.stop))
                clips.append(Clip(episode, camera, span.file, footage, slice(begin, end)))
        return tuple(clips)

    @cached_property
    def track_of(self) -> Mapping[int, Track]:
        """The tracks by episode index."""
        return {track.episode: track for track in self.tracks}

    @cached_property
    def lead(self) -> int:
        """Frames by which actions lead the states that follow them, at most half a second."""
        return estimate_lead(self.tracks, longest=max(round(0.5 * self.dataset.info.fps), 1))

    def columns(self, key: str) -> list[str]:
        """Return what evidence calls each joint of the state or the action."""
        info = self.dataset.info
        names = {STATE: info.state_names, ACTION: info.action_names}[key]
        return [f"{key}[{name}]" for name in names]


def estimate_lead(tracks: Sequence[Track], *, longest: int) -> int:
    """Return the shift at which states follow actions best, in frames."""
    errors = []
    for lead in range(longest + 1):
        # The median: a few wild values must not decide.
        gaps = [
            np.abs(track.state[lead:] - track.action[: len(track.action) - lead]).mean(axis=1)
            for track in tracks
            if track.state.shape == track.action.shape and len(track.state) > 2 * longest
        ]
        errors.append(float(np.median(np.concatenate(gaps))) if gaps else 0.0)
    return int(np.argmin(errors))


def _track(dataset: Dataset, rows: NDArray[np.intp]) -> Track:
    return Track(
        episode=int(dataset.episode_index[rows[0]]),
        frame=dataset.frame_index[rows],
        state=dataset.state[rows].astype(np.float64),
        action=dataset.action[rows].astype(np.float64),
        task=int(dataset.task_index[rows[0]]),
    )


def _unless_broken[T](read: Callable[[], T]) -> T | None:
    try:
        return read()
    except DataError:
        return None
