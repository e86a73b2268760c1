"""The hotfix of missing instructions."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from fedarm.config_hotfixes import FillTasks
from fedarm.data.hotfixes.hotfix import NOTHING, Touched, hotfix
from fedarm.data.hotfixes.tables import (
    EPISODE_INDEX,
    TASKS_FILE,
    declared_data_files,
    integers,
    numbers,
    read_episode_rows,
    read_table,
    replace_table,
    set_column,
    update_episodes,
    write_info,
)
from fedarm.data.info import read_info
from fedarm.data.instructions import says_nothing
from fedarm.errors import DataError

_TASK_INDEX = "task_index"


@hotfix("fill_tasks", repairs=("task_strings",), lossless=False, order=40)
def fill_tasks(root: Path, settings: FillTasks) -> Touched:
    """Write the instructions that are missing or say nothing; the others stay.

    Task indices whose instructions are the same become one index.

    Raises:
        DataError: There are neither one instruction nor as many as task indices.
    """
    used = _used_indices(root)
    stored = _stored_tasks(root)
    count = max([*stored, *used], default=-1) + 1
    texts = _filled(root, [stored.get(index, "") for index in range(count)], settings.tasks)
    unique = list(dict.fromkeys(texts))
    renumbered = {index: unique.index(text) for index, text in enumerate(texts)}
    renumbered |= _strays(root, [index for index in used if index < 0], unique, settings.tasks)
    rows = _renumber(root, renumbered)
    changed = _mend_episodes(root, unique)
    if stored != dict(enumerate(unique)):
        _write_tasks(root, unique)
        write_info(root, {**read_info(root), "total_tasks": len(unique)})
    elif not (rows or changed):
        return Touched(0, 0, (), NOTHING)
    blank = [index for index in range(count) if says_nothing(stored.get(index, ""))]
    why = f"task indices {numbers(blank)} had no instruction" if blank else "episodes named no task"
    return Touched(rows, 0, changed, why)


def _used_indices(root: Path) -> set[int]:
    return {
        int(index)
        for file in declared_data_files(root)
        for index in np.unique(integers(read_table(file), _TASK_INDEX))
    }


def _stored_tasks(root: Path) -> dict[int, str]:
    if not (root / TASKS_FILE).is_file():
        return {}
    table = read_table(root / TASKS_FILE)
    # The instructions are a pandas index, whose stored name depends on the pandas that wrote it.
    text = next((name for name in table.column_names if name != _TASK_INDEX), None)
    if text is None:
        return {}
    pairs = zip(table[_TASK_INDEX].to_pylist(), table[text].to_pylist(), strict=True)
    return {int(index): str(task or "") for index, task in pairs}


def _filled(root: Path, texts: list[str], given: Sequence[str]) -> list[str]:
    if len(given) not in (1, len(texts)):
        raise DataError(
            f"{len(given)} instructions for {len(texts)} task indices",
            file=root / TASKS_FILE,
            key="tasks",
            value=list(given),
            remedy="give one instruction for all missing ones, or one for each task index",
        )
    each = list(given) * (len(texts) if len(given) == 1 else 1)
    return [new if says_nothing(text) else text for text, new in zip(texts, each, strict=True)]


def _strays(
    root: Path, indices: Sequence[int], texts: list[str], given: Sequence[str]
) -> dict[int, int]:
    """Give rows whose index is no index at all the one instruction, which may have to be added."""
    if not indices:
        return {}
    if len(given) != 1:
        raise DataError(
            "rows have task indices below 0, and more than one instruction is given",
            file=root,
            key=_TASK_INDEX,
            value=list(indices),
            remedy="give one instruction, or mend these rows where they were recorded",
        )
    if given[0] not in texts:
        texts.append(given[0])
    return dict.fromkeys(indices, texts.index(given[0]))


def _renumber(root: Path, renumbered: dict[int, int]) -> int:
    """Change the rows' task indices and return how many changed."""
    rows = 0
    for file in declared_data_files(root):
        table = read_table(file)
        old = integers(table, _TASK_INDEX)
        new = np.array([renumbered[index] for index in old.tolist()], dtype=np.int64)
        if (old != new).any():
            replace_table(file, set_column(table, _TASK_INDEX, new))
            rows += int((old != new).sum())
    return rows


def _mend_episodes(root: Path, tasks: Sequence[str]) -> tuple[int, ...]:
    """Name each episode's instructions where the table names none or others."""
    by_episode: dict[int, list[int]] = {}
    for file in declared_data_files(root):
        table = read_table(file)
        episodes, indices = integers(table, EPISODE_INDEX), integers(table, _TASK_INDEX)
        for episode in np.unique(episodes).tolist():
            by_episode[episode] = np.unique(indices[episodes == episode]).tolist()
    updates: dict[int, dict[str, Any]] = {}
    for row in read_episode_rows(root):
        named = row["tasks"] or []
        if not named or not set(named) <= set(tasks):
            wanted = [tasks[index] for index in by_episode.get(row[EPISODE_INDEX], [])]
            updates[row[EPISODE_INDEX]] = {"tasks": wanted}
    return update_episodes(root, updates)


def _write_tasks(root: Path, tasks: Sequence[str]) -> None:
    """Write `meta/tasks.parquet` as LeRobot does: instructions as the index of a pandas table."""
    frame = pd.DataFrame({_TASK_INDEX: range(len(tasks))}, index=pd.Index(tasks, name="task"))
    frame.to_parquet(root / TASKS_FILE)
