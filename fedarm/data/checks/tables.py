"""Checks of a dataset's metadata and of its low-dimensional columns."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from fedarm.data.checks.finding import Evidence, check
from fedarm.data.checks.subject import Subject
from fedarm.data.dataset import Dataset
from fedarm.data.info import ACTION, STATE

# LeRobot's own tolerance (`tolerance_s` of its dataset class): beyond it, its reader raises.
TIMESTAMP_TOLERANCE_S = 1e-4


@check(
    "schema",
    severity="error",
    measures="whether the metadata agrees with itself: episodes, joint names, cameras",
    remedy="record or download the dataset again, or mend meta/info.json",
)
def find_schema(subject: Subject) -> Iterator[Evidence]:
    """Compare the declared totals and names with the episodes table."""
    info = subject.dataset.info
    indices = [episode.index for episode in subject.dataset.episodes]
    if info.total_episodes != len(indices):
        yield Evidence(
            f"info.json declares {info.total_episodes} episodes, the table has {len(indices)}",
            column="total_episodes",
            value=info.total_episodes,
        )
    if indices != list(range(len(indices))):
        yield Evidence("episode indices do not count from 0 without gaps", column="episode_index")
    for key, names in ((STATE, info.state_names), (ACTION, info.action_names)):
        if len(set(names)) != len(names):
            yield Evidence("two joints have one name", column=key, value=", ".join(names))
    if not info.cameras:
        yield Evidence("no feature is a video", column="features")


@check(
    "non_finite",
    severity="error",
    measures="NaN and infinite states, actions and timestamps",
    remedy="drop these episodes, or record again; infinities often come from a bad calibration",
)
def find_non_finite(subject: Subject) -> Iterator[Evidence]:
    """Find values that are not numbers."""
    dataset = subject.dataset
    named = (
        (STATE, dataset.info.state_names, dataset.state),
        (ACTION, dataset.info.action_names, dataset.action),
        ("timestamp", ("",), dataset.timestamp[:, None]),
    )
    for key, names, values in named:
        for row, joint in np.argwhere(~np.isfinite(values)):
            yield _at(
                dataset,
                int(row),
                "a value is not a finite number",
                column=f"{key}[{names[joint]}]" if names[joint] else key,
                value=float(values[row, joint]),
            )


@check(
    "frame_order",
    severity="error",
    measures="whether the rows of each episode are together and count 0, 1, 2, ...",
    remedy="sort the rows, drop doubled ones, or record again",
)
def find_frame_order(subject: Subject) -> Iterator[Evidence]:
    """Find rows that do not follow their predecessor."""
    dataset = subject.dataset
    if not len(dataset.frame_index):
        return
    begins = np.append(True, np.diff(dataset.episode_index) != 0)
    previous = np.append(-1, dataset.frame_index[:-1])
    expected = np.where(begins, 0, previous + 1)
    for row in np.flatnonzero(dataset.frame_index != expected):
        yield _at(
            dataset,
            int(row),
            f"frame index {dataset.frame_index[row]} where {expected[row]} should be",
            column="frame_index",
            value=int(dataset.frame_index[row]),
        )


@check(
    "timestamps",
    severity="error",
    measures=f"whether timestamps rise by 1/fps, within {TIMESTAMP_TOLERANCE_S} s",
    remedy="check the fps in meta/info.json against the recording, or rewrite the timestamps",
)
def find_timestamps(subject: Subject) -> Iterator[Evidence]:
    """Find steps in time that are not one frame long."""
    dataset = subject.dataset
    period_s = 1.0 / dataset.info.fps
    same_episode = np.diff(dataset.episode_index) == 0
    steps_s = np.diff(dataset.timestamp)
    wrong = same_episode & ~(np.abs(steps_s - period_s) <= TIMESTAMP_TOLERANCE_S)
    for row in np.flatnonzero(wrong):
        step_s = float(steps_s[row])
        kind = "does not rise" if not step_s > 0 else f"rises by {step_s:.6g} s, not {period_s:.6g}"
        yield _at(dataset, int(row) + 1, f"the timestamp {kind}", column="timestamp", value=step_s)


@check(
    "row_count",
    severity="error",
    measures="rows in the tables against the lengths that the metadata declares",
    remedy="download the dataset again; rows are missing, or there are too many",
)
def find_row_count(subject: Subject) -> Iterator[Evidence]:
    """Compare rows with `total_frames` and with each episode's length."""
    dataset = subject.dataset
    rows = len(dataset.episode_index)
    if rows != dataset.info.total_frames:
        yield Evidence(
            f"info.json declares {dataset.info.total_frames} frames, the tables have {rows} rows",
            column="total_frames",
            value=rows,
        )
    counts = dict(zip(*np.unique(dataset.episode_index, return_counts=True), strict=True))
    for episode in dataset.episodes:
        found = int(counts.pop(episode.index, 0))
        if found != episode.length:
            yield Evidence(
                f"the episode's length is {episode.length}, but it has {found} rows",
                episode=episode.index,
                column="length",
                value=found,
            )
    for index, count in counts.items():
        yield Evidence(
            "rows of an episode that the episodes table does not have",
            episode=int(index),
            column="episode_index",
            value=int(count),
        )


@check(
    "duplicate_rows",
    severity="error",
    measures="rows that share episode and frame index with an earlier one",
    remedy="keep the first of each; see https://github.com/huggingface/lerobot/issues/1875",
)
def find_duplicate_rows(subject: Subject) -> Iterator[Evidence]:
    """Find every row but the first of its (episode, frame)."""
    dataset = subject.dataset
    pairs = np.stack([dataset.episode_index, dataset.frame_index], axis=1)
    _, first = np.unique(pairs, axis=0, return_index=True)
    for row in np.setdiff1d(np.arange(len(pairs)), first):
        yield _at(dataset, int(row), "the row is there twice", column="frame_index")


def _at(
    dataset: Dataset, row: int, message: str, *, column: str, value: float | int | None = None
) -> Evidence:
    return Evidence(
        message,
        episode=int(dataset.episode_index[row]),
        frame=int(dataset.frame_index[row]),
        column=column,
        value=value,
    )
