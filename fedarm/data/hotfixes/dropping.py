"""The hotfix of broken episodes: they are left out of rows, metadata and videos, and counted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from fedarm.config_hotfixes import DropEpisodes
from fedarm.data.hotfixes.cutting import frame_spans, keep_frames, place_rows
from fedarm.data.hotfixes.hotfix import NOTHING, Touched, hotfix
from fedarm.data.hotfixes.packets import readable_frames
from fedarm.data.hotfixes.statistics import refresh_statistics, restate_statistics
from fedarm.data.hotfixes.tables import (
    EPISODE_INDEX,
    cameras_of,
    declared_data_files,
    episode_files,
    integers,
    numbers,
    read_episode_rows,
    read_table,
    replace_table,
    set_column,
    write_info,
)
from fedarm.data.hotfixes.totals import mended_totals
from fedarm.data.info import ACTION, STATE, read_info
from fedarm.errors import DataError

# Key of `meta/info.json`: episodes that were left out, numbered as in the source. Without it a second
# run would take the listed numbers for those of other episodes.
DROPPED_KEY = "dropped_episodes"


@hotfix(
    "drop_episodes",
    repairs=("non_finite", "video_decodes", "frame_count"),
    lossless=False,
    order=100,
)
def drop_episodes(root: Path, settings: DropEpisodes) -> Touched:
    """Leave out episodes that are listed, hold non-finite values, or whose frames do not decode.

    The others are numbered anew, without the gaps that the source may have, and keep their pixels.

    Raises:
        DataError: No episode would be left, or a listed one does not exist.
    """
    gaps = _close_gaps(root)
    info = read_info(root)
    rows = read_episode_rows(root)
    originals = _original_numbers(info, len(rows))
    reasons = {"listed": _listed(root, settings.episodes, info, originals)}
    if settings.non_finite:
        reasons["non-finite values"] = _non_finite(root)
    if settings.unreadable_video:
        reasons["unreadable video"] = _unreadable(root, info, rows)
    dropped = sorted(set().union(*reasons.values()))
    if not dropped:
        why = f"numbers {numbers(gaps)} had no episode" if gaps else NOTHING
        return Touched(0, 0, (), why)
    if len(dropped) == len(rows):
        raise DataError("no episode would be left", file=root, remedy="use another dataset")
    frames = keep_frames(
        root, info, rows, lambda episode, span: None if episode in dropped else span
    )
    removed = _drop_rows(root, set(dropped))
    _drop_from_table(root, set(dropped))
    gone = sorted({*info.get(DROPPED_KEY, ()), *(originals[index] for index in dropped)})
    totals = mended_totals(root, info, frames=_rows_left(root))
    write_info(root, {**totals, DROPPED_KEY: gone})
    restate_statistics(root)
    why = "; ".join(
        f"{reason}: episodes {numbers(sorted(e))}" for reason, e in reasons.items() if e
    )
    return Touched(removed, frames, tuple(dropped), why)


def _close_gaps(root: Path) -> list[int]:
    """Number episodes from 0 without gaps; return the numbers that no episode had."""
    present = {int(row[EPISODE_INDEX]) for row in read_episode_rows(root)}
    gaps = sorted(set(range(max(present, default=-1))) - present)
    if gaps:
        _drop_rows(root, set(gaps))
        _drop_from_table(root, set(gaps))
        info = read_info(root)
        write_info(root, {**info, DROPPED_KEY: sorted({*info.get(DROPPED_KEY, ()), *gaps})})
        refresh_statistics(root, (EPISODE_INDEX,))
    return gaps


def _original_numbers(info: Mapping[str, Any], episodes: int) -> list[int]:
    """Return the number in the source of each present episode."""
    gone = set(info.get(DROPPED_KEY, ()))
    return [number for number in range(episodes + len(gone)) if number not in gone]


def _listed(
    root: Path, episodes: Sequence[int], info: Mapping[str, Any], originals: Sequence[int]
) -> set[int]:
    present = {number: index for index, number in enumerate(originals)}
    gone = set(info.get(DROPPED_KEY, ()))
    unknown = [number for number in episodes if number not in present and number not in gone]
    if unknown:
        raise DataError(
            "there is no such episode",
            file=root,
            key="episodes",
            value=unknown,
            remedy=f"episodes are numbered from 0 to {originals[-1]}",
        )
    return {present[number] for number in episodes if number in present}


def _non_finite(root: Path) -> set[int]:
    found: set[int] = set()
    for file in declared_data_files(root):
        table = read_table(file)
        episodes = integers(table, EPISODE_INDEX)
        for key in (STATE, ACTION, "timestamp"):
            rows = table[key].to_numpy(zero_copy_only=False)
            values = np.stack(rows) if rows.dtype == object else rows
            finite = np.isfinite(np.asarray(values, float).reshape(len(episodes), -1)).all(axis=1)
            found.update(np.unique(episodes[~finite]).tolist())
    return found


def _unreadable(root: Path, info: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]) -> set[int]:
    found: set[int] = set()
    for camera in cameras_of(info):
        for file, spans in frame_spans(info, rows, camera).items():
            good = readable_frames(root / file)
            found.update(index for index, span in spans.items() if not good.issuperset(span))
    return found


def _drop_rows(root: Path, dropped: set[int]) -> int:
    """Remove the rows of episodes, number the others anew, and return how many went."""
    removed = start = 0
    for file in declared_data_files(root):
        table = read_table(file)
        episodes = integers(table, EPISODE_INDEX)
        keep = ~np.isin(episodes, sorted(dropped))
        removed += int((~keep).sum())
        if not keep.any():
            file.unlink()
            continue
        kept = table.filter(pa.array(keep))
        numbered = _renumbered(episodes[keep], dropped)
        kept = set_column(kept, EPISODE_INDEX, numbered)
        kept = set_column(kept, "index", np.arange(start, start + len(kept)))
        start += len(kept)
        replace_table(file, kept)
    return removed


def _rows_left(root: Path) -> int:
    return sum(read_table(file).num_rows for file in declared_data_files(root))


def _renumbered(episodes: Any, dropped: set[int]) -> Any:
    """Return each episode's number less the number of dropped ones before it."""
    return episodes - np.searchsorted(np.array(sorted(dropped)), episodes)


def _drop_from_table(root: Path, dropped: set[int]) -> None:
    for file in episode_files(root):
        table = read_table(file)
        episodes = integers(table, EPISODE_INDEX)
        keep = ~np.isin(episodes, sorted(dropped))
        if not keep.any():
            file.unlink()
            continue
        kept = table.filter(pa.array(keep))
        kept = set_column(kept, EPISODE_INDEX, _renumbered(episodes[keep], dropped))
        replace_table(file, kept)
    place_rows(root, {row[EPISODE_INDEX]: row["length"] for row in read_episode_rows(root)})
