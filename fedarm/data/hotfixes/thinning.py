"""Rows that were repeated to reach a stamped rate: all but the first of each are left out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from fedarm.data.dataset import VideoSpan
from fedarm.data.decoding import span_frames
from fedarm.data.hotfixes.packets import cut_video
from fedarm.data.hotfixes.tables import (
    EPISODE_INDEX,
    cameras_of,
    declared_data_files,
    integers,
    read_episode_rows,
    read_table,
    replace_table,
    set_column,
    update_episodes,
    video_file,
    write_info,
)
from fedarm.data.hotfixes.totals import mended_totals
from fedarm.data.info import ACTION, STATE, read_info

_FRAME_INDEX = "frame_index"


def drop_repeats(root: Path, factor: int) -> tuple[int, int]:
    """Keep every so manieth row and frame of each episode, if the others repeat them to the bit.

    Statistics and timestamps are left to the caller, who knows the true rate.

    Args:
        root: The dataset's folder.
        factor: How often each row is there.

    Returns:
        How many rows and frames went; 0 and 0 when some row is no repetition.
    """
    files = declared_data_files(root)
    if factor < 2 or not all(_repeats(read_table(file), factor) for file in files):
        return 0, 0
    info = read_info(root)
    rows = read_episode_rows(root)
    frames = _thin_videos(root, info, rows, factor)
    removed = start = 0
    for file in files:
        table = read_table(file)
        kept = table.filter(pa.array(integers(table, _FRAME_INDEX) % factor == 0))
        kept = set_column(kept, _FRAME_INDEX, integers(kept, _FRAME_INDEX) // factor)
        kept = set_column(kept, "index", np.arange(start, start + len(kept)))
        start += len(kept)
        removed += len(table) - len(kept)
        replace_table(file, kept)
    _thin_episodes(root, rows, factor)
    write_info(root, mended_totals(root, info, frames=start))
    return removed, frames


def _repeats(table: pa.Table, factor: int) -> bool:
    """Return whether each row is the one before it, but for one in so many of each episode."""
    frame = integers(table, _FRAME_INDEX)
    after = np.flatnonzero(frame % factor != 0)
    values = np.hstack([np.stack(table[key].to_numpy()) for key in (STATE, ACTION)])
    follows = (after > 0).all() and (np.diff(frame)[after - 1] == 1).all()
    # A whole set that stands still repeats itself at every factor.
    moves = len(np.unique(values, axis=0)) > len(values) / (2 * factor)
    return bool(len(after) and follows and moves and (values[after] == values[after - 1]).all())


def _thin_videos(
    root: Path, info: Mapping[str, Any], rows: Sequence[Mapping[str, Any]], factor: int
) -> int:
    """Cut the repeated frames out, set the spans of the others, and return how many went."""
    fps = float(info["fps"])
    removed = 0
    updates: dict[int, dict[str, Any]] = {int(row[EPISODE_INDEX]): {} for row in rows}
    for camera in cameras_of(info):
        begin, end = f"videos/{camera}/from_timestamp", f"videos/{camera}/to_timestamp"
        held: dict[str, dict[int, range]] = {}
        for row in rows:
            file = video_file(info["video_path"], row, camera)
            span = span_frames(VideoSpan(file, row[begin], row[end]), fps)
            held.setdefault(file, {})[int(row[EPISODE_INDEX])] = span
        for file, spans in held.items():
            kept = {index: span[::factor] for index, span in spans.items()}
            cut_video(root / file, list(kept.values()), fps=fps)
            start = 0
            for index, span in kept.items():
                updates[index] |= {begin: start / fps, end: (start + len(span)) / fps}
                start += len(span)
                removed += len(spans[index]) - len(span)
    update_episodes(root, updates)
    return removed


def _thin_episodes(root: Path, rows: Sequence[Mapping[str, Any]], factor: int) -> None:
    updates: dict[int, dict[str, Any]] = {}
    start = 0
    for row in rows:
        length = -(-int(row["length"]) // factor)
        updates[int(row[EPISODE_INDEX])] = {
            "length": length,
            "dataset_from_index": start,
            "dataset_to_index": start + length,
        }
        start += length
    update_episodes(root, updates)
