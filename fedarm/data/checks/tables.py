"""Checks of a dataset's metadata and of its low-dimensional columns."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from fedarm.data.checks.finding import Evidence, check
from fedarm.data.checks.subject import Subject
from fedarm.data.dataset import Dataset
from fedarm.data.info import ACTION, STATE


@check(
    "schema",
    severity="error",
    measures="whether the metadata agrees with itself: totals, indices, features and columns",
    remedy="mend the totals (hotfix mend_totals), or record or download the dataset again",
    same_as=(
        "lerobot-doctor metadata",
        "lerobot-doctor consistency",
        "lerobot-quality-gates metadata",
        "lerobot-quality-gates actions",
        "deepen-grade hygiene.schema_dim_consistency",
    ),
    needs="metadata",
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
    total_tasks = subject.raw_info.get("total_tasks", len(subject.dataset.tasks))
    if total_tasks != len(subject.dataset.tasks):
        yield Evidence(
            f"info.json declares {total_tasks} tasks, the table has {len(subject.dataset.tasks)}",
            column="total_tasks",
            value=str(total_tasks),
        )
    yield from _unmatched_columns(subject)


def _unmatched_columns(subject: Subject) -> Iterator[Evidence]:
    """Find features without a column, and columns whose type differs between the files."""
    declared = subject.raw_info.get("features", {})
    wanted = {key for key, feature in declared.items() if feature.get("dtype") != "video"}
    types: dict[str, str] = {}
    for file in sorted({episode.data_file for episode in subject.dataset.episodes}):
        try:
            schema = pq.read_schema(subject.root / file)
        except (pa.ArrowException, OSError):
            continue
        for key in sorted(wanted - set(schema.names)):
            yield Evidence(f"the feature has no column in {file}", column=key)
        for field in schema:
            if types.setdefault(field.name, str(field.type)) != str(field.type):
                yield Evidence(
                    f"the column has another type in {file}",
                    column=field.name,
                    value=str(field.type),
                )


@check(
    "non_finite",
    severity="error",
    measures="NaN and infinite states, actions and timestamps",
    remedy="drop these episodes (hotfix drop_episodes); infinities often come from a bad calibration",
    same_as=("lerobot-doctor actions", "lerobot-doctor statistics"),
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
    remedy="sort the rows and drop doubled ones (hotfix declared_rows), or record again",
    same_as=("lerobot-doctor temporal",),
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
    "row_count",
    severity="error",
    measures="rows in the tables against the lengths that the metadata declares",
    remedy="mend_totals when only the totals are wrong, declared_rows when rows are doubled; "
    "otherwise download again",
    same_as=(
        "lerobot-doctor metadata",
        "lerobot-doctor episodes",
        "lerobot-quality-gates episodes",
    ),
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
    remedy="keep the first of each (hotfix declared_rows); see https://github.com/huggingface/lerobot/issues/1875",
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
