"""Are the tables of two datasets the same?"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from .tables import EPISODES_FILE, TASKS_FILE, read_info, read_table

# The columns of the episodes table that say where rows and pictures are; the rest are statistics.
_STATISTICS = "stats/"
# LeRobot computes those of times before it rounds times to 32 bits: they cannot come back to the byte.
_OF_TIMES = f"{_STATISTICS}timestamp/"


def difference(clean: Path, other: Path, *, tolerance: float = 0.0) -> str | None:
    """Return the first difference between two datasets' tables, or None.

    Rows are compared in the order of the declared files, wherever they are cut into files.

    Args:
        clean: A dataset's folder.
        other: Another's.
        tolerance: Largest difference of a state or action; 0 asks for the same bytes.
    """
    ours, theirs = _declared_rows(clean), _declared_rows(other)
    if set(ours.column_names) != set(theirs.column_names):
        return f"columns {sorted(set(ours.column_names) ^ set(theirs.column_names))}"
    for name in ours.column_names:
        if not _same(ours[name], theirs[name], tolerance):
            return f"the rows' column {name}"
    for file in (EPISODES_FILE, TASKS_FILE):
        left, right = read_table(clean / file), read_table(other / file)
        for name in left.column_names:
            if name.startswith(_STATISTICS) and (tolerance or name.startswith(_OF_TIMES)):
                continue
            if name not in right.column_names or not left[name].equals(right[name]):
                return f"{file}, column {name}"
    return None


def _declared_rows(folder: Path) -> pa.Table:
    episodes = read_table(folder / EPISODES_FILE)
    template = read_info(folder)["data_path"]
    pairs = zip(
        episodes["data/chunk_index"].to_pylist(),
        episodes["data/file_index"].to_pylist(),
        strict=True,
    )
    files = dict.fromkeys(template.format(chunk_index=c, file_index=f) for c, f in pairs)
    return pa.concat_tables([read_table(folder / file) for file in files])


def _same(ours: pa.ChunkedArray, theirs: pa.ChunkedArray, tolerance: float) -> bool:
    if ours.type != theirs.type or len(ours) != len(theirs):
        return False
    left, right = _plain(ours), _plain(theirs)
    if tolerance and left.dtype.kind == "f":
        return bool(np.allclose(left, right, rtol=0, atol=tolerance))
    # As bytes: NaN equals NaN, and 0 is not -0.
    return left.tobytes() == right.tobytes()


def _plain(column: pa.ChunkedArray) -> NDArray[np.generic]:
    array = column.combine_chunks()
    if pa.types.is_fixed_size_list(array.type) or pa.types.is_list(array.type):
        array = array.flatten()
    return np.asarray(array.to_numpy(zero_copy_only=False))
