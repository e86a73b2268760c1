"""Reading columns of a parquet file, with errors that name the file and the column."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from fedarm.errors import DataError

REMEDY = "record or download the dataset again"


def read_columns(file: Path, columns: list[str], *, also: tuple[str, ...] = ()) -> pa.Table:
    """Read columns of one parquet file, and those of `also` that it has.

    Raises:
        DataError: The file is missing, truncated, or lacks a column.
    """
    if not file.is_file():
        raise DataError("a file that the metadata declares is missing", file=file, remedy=REMEDY)
    try:
        # Not `pq.read_table`: it guesses partitions from folder names.
        with pq.ParquetFile(file) as parquet:
            present = parquet.schema_arrow.names
            for column in columns:
                if column not in present:
                    raise DataError("a column is missing", file=file, key=column, remedy=REMEDY)
            return parquet.read([*columns, *(name for name in also if name in present)])
    except (pa.ArrowException, OSError) as error:
        raise DataError(
            f"not a readable parquet file: {error}",
            file=file,
            remedy=f"the file is damaged or was not closed (`finalize()`); {REMEDY}",
        ) from None


def matrix_column(table: pa.Table, key: str, width: int, *, file: Path) -> NDArray[np.float32]:
    """Return a column of lists as `(row, width)`.

    Args:
        table: The table.
        key: The column.
        width: Values a row.
        file: Where the table comes from, for messages.

    Raises:
        DataError: The column does not hold lists, or lists of another length.
    """
    column = table[key].combine_chunks()
    if not (pa.types.is_list(column.type) or pa.types.is_fixed_size_list(column.type)):
        raise DataError(
            "a column should hold one list of numbers a row",
            file=file,
            key=key,
            value=str(column.type),
            remedy=REMEDY,
        )
    values = column.flatten().to_numpy(zero_copy_only=False)
    lengths = column.value_lengths().to_numpy(zero_copy_only=False)
    if not np.all(lengths == width):
        raise DataError(
            "rows of a feature have another length than its names",
            file=file,
            key=key,
            value=f"{len(values)} values in {len(column)} rows, {width} names",
            remedy=REMEDY,
        )
    return np.asarray(values.reshape(len(column), width), dtype=np.float32)


def vector_column(table: pa.Table, key: str, kind: type, *, file: Path) -> NDArray[Any]:
    """Return a column of numbers as `(row,)` of a numpy type.

    Args:
        table: The table.
        key: The column.
        kind: The numpy type.
        file: Where the table comes from, for messages.

    Raises:
        DataError: The column has empty cells.
    """
    if table[key].null_count:
        raise DataError("a column has empty cells", file=file, key=key, remedy=REMEDY)
    return np.asarray(table[key].to_numpy(), dtype=kind)
