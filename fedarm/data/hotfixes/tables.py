"""Reading and writing a dataset's metadata and tables in place, and no more of them than changes.

Parquet files are written as LeRobot writes them (snappy, dictionaries, one row group an episode), so
that an undone defect leaves the same bytes.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from fedarm.data.info import INFO_FILE, read_info
from fedarm.data.parquet import REMEDY
from fedarm.errors import DataError

EPISODES = "meta/episodes"
TASKS_FILE = "meta/tasks.parquet"
STATS_FILE = "meta/stats.json"
EPISODE_INDEX = "episode_index"
FRAME_INDEX = "frame_index"


def write_info(root: Path, info: Mapping[str, Any]) -> None:
    """Write `meta/info.json` in LeRobot's layout, unless it says that already."""
    if read_info(root) == info:
        return
    text = json.dumps(info, indent=4, ensure_ascii=False)
    (root / INFO_FILE).write_text(text, encoding="utf-8")


def read_table(file: Path) -> pa.Table:
    """Read a whole parquet file.

    Raises:
        DataError: It is missing or damaged.
    """
    try:
        with pq.ParquetFile(file) as parquet:
            return parquet.read()
    except (pa.ArrowException, OSError) as error:
        raise DataError(f"not a readable parquet file: {error}", file=file, remedy=REMEDY) from None


def replace_table(file: Path, table: pa.Table) -> None:
    """Put a table in the place of a file's, in row groups as the file had, or one an episode."""
    with pq.ParquetFile(file) as parquet:
        groups = [parquet.metadata.row_group(i).num_rows for i in range(parquet.num_row_groups)]
    if sum(groups) != len(table):
        groups = _rows_by_episode(table)
    write_table(file, table, groups)


def write_table(file: Path, table: pa.Table, groups: Sequence[int] | None = None) -> None:
    """Write a table with LeRobot's settings, by default with one row group an episode."""
    start = 0
    with pq.ParquetWriter(
        file, schema=table.schema, compression="snappy", use_dictionary=True
    ) as writer:
        for rows in groups if groups is not None else _rows_by_episode(table):
            writer.write_table(table.slice(start, rows))
            start += rows


def _rows_by_episode(table: pa.Table) -> list[int]:
    index = integers(table, EPISODE_INDEX)
    starts = np.flatnonzero(np.append(True, np.diff(index) != 0)) if len(index) else [0]
    return [int(rows) for rows in np.diff(np.append(starts, len(index)))]


def integers(table: pa.Table, column: str) -> NDArray[np.int64]:
    """Return a column of whole numbers as `(row,)`."""
    return np.asarray(table[column].to_numpy(), dtype=np.int64)


def set_column(table: pa.Table, column: str, values: Any) -> pa.Table:
    """Return the table with other values in a column, whose type stays."""
    position = table.schema.get_field_index(column)
    field = table.schema.field(column)
    return table.set_column(position, field, pa.array(values, type=field.type))


def set_matrix(table: pa.Table, column: str, values: NDArray[Any]) -> pa.Table:
    """Return the table with `(row, width)` values in a column of lists, whose type stays."""
    position = table.schema.get_field_index(column)
    field = table.schema.field(column)
    flat = pa.array(np.ascontiguousarray(values).reshape(-1), type=field.type.value_type)
    if pa.types.is_fixed_size_list(field.type):
        lists = pa.FixedSizeListArray.from_arrays(flat, values.shape[1])
    else:
        offsets = np.arange(len(values) + 1, dtype=np.int32) * values.shape[1]
        lists = pa.ListArray.from_arrays(pa.array(offsets), flat)
    return table.set_column(position, field, lists.cast(field.type))


def episode_files(root: Path) -> list[Path]:
    """Return the files of the episodes table.

    Raises:
        DataError: There is none.
    """
    files = sorted((root / EPISODES).rglob("*.parquet"))
    if not files:
        raise DataError("the episodes table is missing", file=root / EPISODES, remedy=REMEDY)
    return files


def read_episode_rows(root: Path) -> list[dict[str, Any]]:
    """Return the rows of the episodes table without their statistics, sorted by episode index."""
    rows: list[dict[str, Any]] = []
    for file in episode_files(root):
        table = read_table(file)
        kept = [name for name in table.column_names if not name.startswith("stats/")]
        rows += table.select(kept).to_pylist()
    return sorted(rows, key=lambda row: int(row[EPISODE_INDEX]))


def update_episodes(root: Path, updates: Mapping[int, Mapping[str, Any]]) -> tuple[int, ...]:
    """Set cells of the episodes table and return the episodes in which something differed.

    Args:
        root: The dataset's folder.
        updates: By episode index, values by column. Columns that the table lacks are left out.
    """
    columns = sorted({column for values in updates.values() for column in values})
    changed: set[int] = set()
    for file in episode_files(root):
        table = read_table(file)
        indices = table[EPISODE_INDEX].to_pylist()
        before = len(changed)
        for column in (name for name in columns if name in table.column_names):
            cells = table[column].to_pylist()
            for row, index in enumerate(indices):
                wanted = updates.get(index, {}).get(column, cells[row])
                if wanted != cells[row]:
                    cells[row] = wanted
                    changed.add(index)
            table = set_column(table, column, cells)
        if len(changed) > before:
            replace_table(file, table)
    return tuple(sorted(changed))


def declared_data_files(root: Path) -> list[Path]:
    """Return the data files that the episodes name, in the order of the episodes."""
    template = read_info(root)["data_path"]
    return list(dict.fromkeys(root / data_file(template, row) for row in read_episode_rows(root)))


def data_file(template: str, row: Mapping[str, Any]) -> str:
    """Return the path below the root of an episode's data file."""
    return template.format(chunk_index=row["data/chunk_index"], file_index=row["data/file_index"])


def video_file(template: str, row: Mapping[str, Any], camera: str) -> str:
    """Return the path below the root of an episode's video."""
    return template.format(
        video_key=camera,
        chunk_index=row[f"videos/{camera}/chunk_index"],
        file_index=row[f"videos/{camera}/file_index"],
    )


def cameras_of(info: Mapping[str, Any]) -> list[str]:
    """Return the feature keys of the cameras, sorted."""
    features = info.get("features", {})
    return sorted(key for key, value in features.items() if value.get("dtype") == "video")


def tables_of(files: Iterable[Path]) -> list[tuple[Path, pa.Table]]:
    """Read several whole files."""
    return [(file, read_table(file)) for file in files]


def numbers(values: Iterable[int], *, most: int = 8) -> str:
    """Return a short list of numbers for a sentence."""
    items = list(values)
    shown = ", ".join(str(item) for item in items[:most])
    return shown if len(items) <= most else f"{shown} and {len(items) - most} more"


def episode_statistics(root: Path, key: str) -> dict[int, dict[str, Any]]:
    """Return a feature's statistics by episode, of those episodes whose table stores them."""
    found: dict[int, dict[str, Any]] = {}
    prefix = f"stats/{key}/"
    for file in episode_files(root):
        table = read_table(file)
        names = [name for name in table.column_names if name.startswith(prefix)]
        if not names:
            continue
        for row in table.select([EPISODE_INDEX, *names]).to_pylist():
            found[row[EPISODE_INDEX]] = {name.removeprefix(prefix): row[name] for name in names}
    return found
