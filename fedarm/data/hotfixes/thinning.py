"""Rows that were repeated to reach a stamped rate: all but the first of each are left out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa

from fedarm.data.hotfixes.cutting import keep_frames, place_rows
from fedarm.data.hotfixes.tables import (
    EPISODE_INDEX,
    declared_data_files,
    integers,
    read_episode_rows,
    read_table,
    replace_table,
    set_column,
    write_info,
)
from fedarm.data.hotfixes.totals import mended_totals
from fedarm.data.info import ACTION, STATE, read_info

_FRAME_INDEX = "frame_index"


def drop_repeats(root: Path, factor: int) -> tuple[int, int]:
    """Keep one row and frame in `factor` of each episode, if the others repeat it to the bit.

    Statistics and timestamps are left to the caller, who knows the true rate.

    Args:
        root: The dataset's folder.
        factor: How often each row is there.

    Returns:
        How many rows and frames went; 0 and 0 when some row is no repetition.

    Raises:
        DataError: A table or a video cannot be read.
    """
    files = declared_data_files(root)
    if factor < 2 or not all(_repeats(read_table(file), factor) for file in files):
        return 0, 0
    info = read_info(root)
    rows = read_episode_rows(root)
    frames = keep_frames(root, info, rows, lambda _, span: span[::factor])
    removed = start = 0
    for file in files:
        table = read_table(file)
        kept = table.filter(pa.array(integers(table, _FRAME_INDEX) % factor == 0))
        kept = set_column(kept, _FRAME_INDEX, integers(kept, _FRAME_INDEX) // factor)
        kept = set_column(kept, "index", np.arange(start, start + len(kept)))
        start += len(kept)
        removed += len(table) - len(kept)
        replace_table(file, kept)
    place_rows(root, {row[EPISODE_INDEX]: -(-row["length"] // factor) for row in rows})
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
