"""Hotfixes of rows: which of them count, in which order, and at which time."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from fedarm.config_hotfixes import DeclaredRows, RestampTimestamps
from fedarm.data.hotfixes.hotfix import NOTHING, Touched, hotfix
from fedarm.data.hotfixes.statistics import refresh_statistics
from fedarm.data.hotfixes.tables import (
    EPISODE_INDEX,
    FRAME_INDEX,
    data_file,
    declared_data_files,
    integers,
    numbers,
    read_episode_rows,
    read_table,
    replace_table,
    set_column,
    tables_of,
    write_table,
)
from fedarm.data.hotfixes.undeclared import remove_undeclared_files
from fedarm.data.info import read_info

TIMESTAMP = "timestamp"


@hotfix(
    "declared_rows",
    repairs=("undeclared_files", "duplicate_rows", "frame_order"),
    lossless=True,
    order=20,
)
def declared_rows(root: Path, _settings: DeclaredRows) -> Touched:
    """Remove what no metadata declares, and every row but the first of its (episode, frame); sort.

    Raises:
        DataError: A file to be removed holds the only copy of declared rows or frames.
    """
    removed = remove_undeclared_files(root)
    sorting = _sort_declared(root)
    reasons = [reason for reason in (removed.why, *sorting.reasons()) if reason]
    return Touched(
        rows=removed.rows + sorting.doubled + sorting.undeclared + sorting.moved,
        frames=removed.frames,
        episodes=tuple(sorted({*removed.episodes, *sorting.episodes})),
        why="; ".join(reasons) or NOTHING,
    )


@dataclass(frozen=True)
class _Sorting:
    """What became of the rows of the declared files."""

    doubled: int = 0
    differing: int = 0
    undeclared: int = 0
    moved: int = 0
    episodes: tuple[int, ...] = ()

    def reasons(self) -> list[str]:
        differing = f", {self.differing} of them with other values than the first"
        return [
            text
            for count, text in (
                (
                    self.doubled,
                    f"{self.doubled} rows share episode and frame with an earlier one"
                    + (differing if self.differing else ""),
                ),
                (self.undeclared, f"{self.undeclared} rows are of episodes that no table lists"),
                (self.moved, f"{self.moved} rows were out of order"),
            )
            if count
        ]


def _sort_declared(root: Path) -> _Sorting:
    template = read_info(root)["data_path"]
    home = {row[EPISODE_INDEX]: root / data_file(template, row) for row in read_episode_rows(root)}
    parts = tables_of(declared_data_files(root))
    whole = pa.concat_tables([table for _, table in parts])
    files = np.repeat(np.arange(len(parts)), [len(table) for _, table in parts])
    order = {file: number for number, (file, _) in enumerate(parts)}
    episode, frame = integers(whole, EPISODE_INDEX), integers(whole, FRAME_INDEX)
    homes = np.array([order[home[e]] if e in home else -1 for e in episode.tolist()], dtype=int)
    # A row in the file that its episode names comes before its double elsewhere.
    keys = np.lexsort((np.arange(len(files)), files != homes, frame, episode))
    first = np.append(True, (np.diff(episode[keys]) != 0) | (np.diff(frame[keys]) != 0))
    keys_kept = keys[first & (homes[keys] >= 0)]
    wanted = [keys_kept[homes[keys_kept] == number] for number in range(len(parts))]
    stays = [np.flatnonzero(files == number) for number in range(len(parts))]
    if all(np.array_equal(new, old) for new, old in zip(wanted, stays, strict=True)):
        return _Sorting()
    start = 0
    for (file, _), rows in zip(parts, wanted, strict=True):
        table = set_column(whole.take(pa.array(rows)), "index", np.arange(start, start + len(rows)))
        start += len(rows)
        write_table(file, table)
    dropped = keys[~first]
    undeclared = keys[first & (homes[keys] < 0)]
    stood = np.setdiff1d(np.arange(len(files)), np.concatenate([dropped, undeclared]))
    moved = keys_kept[(keys_kept != stood) | (files[keys_kept] != homes[keys_kept])]
    touched = np.concatenate([dropped, undeclared, moved])
    return _Sorting(
        doubled=len(dropped),
        differing=_differing(whole, keys, first),
        undeclared=len(undeclared),
        moved=len(moved),
        episodes=tuple(int(e) for e in np.unique(episode[touched])),
    )


def _differing(table: pa.Table, keys: NDArray[Any], first: NDArray[np.bool_]) -> int:
    """Count doubled rows whose values are not those of the row that is kept."""
    kept = keys[np.flatnonzero(first)[np.cumsum(first) - 1]][~first]
    values = table.drop_columns([c for c in ("index",) if c in table.column_names])
    doubles = values.take(pa.array(keys[~first])).to_pylist()
    originals = values.take(pa.array(kept)).to_pylist()
    return sum(repr(a) != repr(b) for a, b in zip(doubles, originals, strict=True))


@hotfix("restamp_timestamps", repairs=("timestamps",), lossless=True, order=60)
def restamp_timestamps(root: Path, _settings: RestampTimestamps) -> Touched:
    """Write each row's timestamp as its frame index over the declared rate.

    Raises:
        DataError: A data file cannot be read.
    """
    fps = float(read_info(root)["fps"])
    rows, episodes, largest_s = 0, set[int](), 0.0
    for file in declared_data_files(root):
        table = read_table(file)
        stamps = (integers(table, FRAME_INDEX) / fps).astype(np.float32)
        stored = np.asarray(table[TIMESTAMP].to_numpy(), dtype=np.float64)
        wrong = stored != stamps
        if not wrong.any():
            continue
        replace_table(file, set_column(table, TIMESTAMP, stamps))
        rows += int(wrong.sum())
        episodes.update(int(e) for e in np.unique(integers(table, EPISODE_INDEX)[wrong]))
        off_s = np.abs(stored - stamps)[wrong]
        largest_s = max(largest_s, float(off_s[np.isfinite(off_s)].max(initial=0.0)))
    if not rows:
        return Touched(0, 0, (), NOTHING)
    refresh_statistics(root, (TIMESTAMP,))
    why = (
        f"timestamps were up to {largest_s:.6g} s from frame index / {fps:g}, "
        f"in episodes {numbers(sorted(episodes))}"
    )
    return Touched(rows, 0, tuple(sorted(episodes)), why)
