"""The hotfix of stale pointers: which file, which rows and which part of a video hold an episode."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fedarm.config_hotfixes import MendPointers
from fedarm.data.hotfixes.hotfix import NOTHING, Touched, hotfix
from fedarm.data.hotfixes.packets import count_packets
from fedarm.data.hotfixes.tables import (
    EPISODE_INDEX,
    FRAME_INDEX,
    cameras_of,
    data_file,
    integers,
    numbers,
    read_episode_rows,
    update_episodes,
)
from fedarm.data.info import read_info
from fedarm.data.parquet import read_columns
from fedarm.errors import DataError

# LeRobot's reader refuses a frame further than this from the time that it looks for.
SPAN_TOLERANCE_S = 1e-4

Rows = Sequence[Mapping[str, Any]]
Updates = dict[int, dict[str, Any]]


@hotfix("mend_pointers", repairs=("stale_pointers", "span_drift"), lossless=True, order=10)
def mend_pointers(root: Path, _settings: MendPointers) -> Touched:
    """Point each episode at the data file, rows and video span that hold it.

    Data pointers follow from the rows. Video pointers follow when a camera's files hold exactly the
    episodes' frames one after the other; otherwise nothing but the tables settles them, and they stay.

    Raises:
        DataError: An episode's rows are in no file.
    """
    info = read_info(root)
    rows = read_episode_rows(root)
    contents = _contents(root, info["data_path"])
    lengths, updates = _data_updates(root, info["data_path"], rows, contents)
    unsettled = []
    for camera in cameras_of(info):
        spans = _video_updates(root, info, camera, rows, lengths)
        if spans is None:
            unsettled.append(camera)
        for episode, values in (spans or {}).items():
            updates.setdefault(episode, {}).update(values)
    changed = update_episodes(root, updates)
    reasons = [f"pointers of episodes {numbers(changed)} led elsewhere"] if changed else []
    if unsettled:
        reasons.append(f"the video files alone do not settle the spans of {', '.join(unsettled)}")
    return Touched(0, 0, changed, "; ".join(reasons) or NOTHING)


@dataclass(frozen=True)
class _Numbered:
    """A file of format version 3: its path below the root and the numbers in its name."""

    path: str
    chunk: int
    file: int


def _numbered_files(root: Path, template: str, folder: str) -> list[_Numbered]:
    """Return the files that a path template names, in the order of their numbers."""
    pattern = re.escape(template)
    for key in ("chunk_index", "file_index"):
        pattern = re.sub(rf"\\\{{{key}(:[^}}]*)?\\\}}", f"(?P<{key}>[0-9]+)", pattern, count=1)
    found = []
    for path in (root / folder).rglob("*"):
        name = path.relative_to(root).as_posix()
        match = re.fullmatch(pattern, name)
        if match and path.is_file():
            found.append(_Numbered(name, int(match["chunk_index"]), int(match["file_index"])))
    return sorted(found, key=lambda each: (each.chunk, each.file))


def _contents(root: Path, template: str) -> dict[_Numbered, dict[int, int]]:
    """Return, by data file, the number of different rows of each episode in it."""
    contents = {}
    for numbered in _numbered_files(root, template, "data"):
        try:
            table = read_columns(root / numbered.path, [EPISODE_INDEX, FRAME_INDEX])
        except DataError:
            # A damaged file holds no rows that an episode could be pointed at.
            continue
        pairs = set(
            zip(*(integers(table, c).tolist() for c in (EPISODE_INDEX, FRAME_INDEX)), strict=True)
        )
        counts: dict[int, int] = {}
        for episode, _ in pairs:
            counts[episode] = counts.get(episode, 0) + 1
        contents[numbered] = counts
    return contents


def _data_updates(
    root: Path, template: str, rows: Rows, contents: Mapping[_Numbered, Mapping[int, int]]
) -> tuple[dict[int, int], Updates]:
    lengths: dict[int, int] = {}
    updates: Updates = {}
    start = 0
    for row in rows:
        episode = int(row[EPISODE_INDEX])
        holders = {each: counts[episode] for each, counts in contents.items() if episode in counts}
        if not holders:
            raise DataError(
                "an episode's rows are in no data file",
                file=root / data_file(template, row),
                key=EPISODE_INDEX,
                value=episode,
                remedy="download the dataset again, or list the episode in `drop_episodes`",
            )
        declared = data_file(template, row)
        # The most rows win, and between equals the file that the table names already.
        best = max(holders, key=lambda each: (holders[each], each.path == declared))
        lengths[episode] = holders[best]
        updates[episode] = {
            "data/chunk_index": best.chunk,
            "data/file_index": best.file,
            "dataset_from_index": start,
            "dataset_to_index": start + holders[best],
        }
        start += holders[best]
    return lengths, updates


def _video_updates(
    root: Path, info: Mapping[str, Any], camera: str, rows: Rows, lengths: Mapping[int, int]
) -> Updates | None:
    """Return where a camera's episodes lie, or None when its files do not settle it.

    Frames on disk settle it when the episodes fill one file after the other exactly.
    """
    template = str(info["video_path"]).replace("{video_key}", camera)
    fps = float(info["fps"])
    files = iter(_numbered_files(root, template, "videos"))
    updates: Updates = {}
    current, left, end_s = None, 0, 0.0
    for row in rows:
        episode = int(row[EPISODE_INDEX])
        length = lengths[episode]
        if left == 0:
            current = next(files, None)
            if current is None:
                return None
            left, end_s = count_packets(root / current.path), 0.0
        if current is None or length > left:
            return None
        left -= length
        from_s, end_s = _span(row, camera, end_s, length / fps)
        updates[episode] = {
            f"videos/{camera}/chunk_index": current.chunk,
            f"videos/{camera}/file_index": current.file,
            f"videos/{camera}/from_timestamp": from_s,
            f"videos/{camera}/to_timestamp": end_s,
        }
    return updates if left == 0 else None


def _span(
    row: Mapping[str, Any], camera: str, begin_s: float, duration_s: float
) -> tuple[float, float]:
    """Return an episode's span; stored times that the reader can follow are kept to the last bit."""
    stored = [row[f"videos/{camera}/{name}"] for name in ("from_timestamp", "to_timestamp")]
    right = (begin_s, begin_s + duration_s)
    close = all(
        time is not None and abs(time - wanted) <= SPAN_TOLERANCE_S
        for time, wanted in zip(stored, right, strict=True)
    )
    return (stored[0], stored[1]) if close else right
