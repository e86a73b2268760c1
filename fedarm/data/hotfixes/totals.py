"""The hotfix of totals: how many episodes, frames and tasks there are, and how long each episode is."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from fedarm.config_hotfixes import MendTotals
from fedarm.data.hotfixes.hotfix import NOTHING, Touched, hotfix
from fedarm.data.hotfixes.tables import (
    EPISODE_INDEX,
    TASKS_FILE,
    cameras_of,
    declared_data_files,
    integers,
    numbers,
    read_episode_rows,
    read_table,
    update_episodes,
    write_info,
)
from fedarm.data.info import read_info


@hotfix("mend_totals", repairs=("row_count", "schema"), lossless=True, order=30)
def mend_totals(root: Path, _settings: MendTotals) -> Touched:
    """Count episodes, frames, tasks and lengths anew from the rows.

    A length is changed only when each camera's span agrees with the rows: where the span agrees with
    the stored length, rows are missing, and a new length would hide that.

    Raises:
        DataError: A table cannot be read.
    """
    info = read_info(root)
    rows = read_episode_rows(root)
    counts = _rows_by_episode(root)
    updates, short, start = {}, [], 0
    for row in rows:
        episode = int(row[EPISODE_INDEX])
        found = counts.get(episode, 0)
        values = {"dataset_from_index": start, "dataset_to_index": start + found}
        start += found
        if found != row["length"]:
            if _spans_agree(info, row, found):
                values["length"] = found
            else:
                short.append(episode)
        updates[episode] = values
    changed = update_episodes(root, updates)
    totals = mended_totals(root, info, frames=sum(counts.values()))
    write_info(root, totals)
    return Touched(0, 0, changed, _why(info, totals, changed, short))


def mended_totals(root: Path, info: Mapping[str, Any], *, frames: int) -> dict[str, Any]:
    """Return the content of `meta/info.json` with the totals of the tables.

    Args:
        root: The dataset's folder.
        info: What `meta/info.json` says now.
        frames: Rows of all data files.
    """
    episodes = len(read_episode_rows(root))
    totals: dict[str, Any] = {"total_episodes": episodes, "total_frames": frames}
    if (root / TASKS_FILE).is_file():
        totals["total_tasks"] = len(read_table(root / TASKS_FILE))
    splits = info.get("splits")
    if isinstance(splits, dict) and set(splits) == {"train"}:
        totals["splits"] = {"train": f"0:{episodes}"}
    return {**info, **totals}


def _rows_by_episode(root: Path) -> dict[int, int]:
    counts: dict[int, int] = {}
    for file in declared_data_files(root):
        indices, found = np.unique(integers(read_table(file), EPISODE_INDEX), return_counts=True)
        for index, count in zip(indices.tolist(), found.tolist(), strict=True):
            counts[index] = counts.get(index, 0) + count
    return counts


def _spans_agree(info: Mapping[str, Any], row: Mapping[str, Any], length: int) -> bool:
    for camera in cameras_of(info):
        from_s, to_s = (row[f"videos/{camera}/{n}"] for n in ("from_timestamp", "to_timestamp"))
        if round((to_s - from_s) * float(info["fps"])) != length:
            return False
    return True


def _why(
    info: Mapping[str, Any], totals: Mapping[str, Any], changed: tuple[int, ...], short: list[int]
) -> str:
    reasons = [
        f"{key} was {info.get(key)}, not {value}"
        for key, value in totals.items()
        if info.get(key) != value
    ]
    if changed:
        reasons.append(f"lengths or row ranges of episodes {numbers(changed)} were not their rows'")
    if short:
        reasons.append(
            f"episodes {numbers(short)} have other numbers of rows and of video frames: not mended"
        )
    return "; ".join(reasons) or NOTHING
