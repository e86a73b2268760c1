"""Files below `data/` and `videos/` that no metadata declares, and whether they may go."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from fedarm.data.hotfixes.packets import count_packets
from fedarm.data.hotfixes.tables import (
    EPISODE_INDEX,
    FRAME_INDEX,
    cameras_of,
    data_file,
    declared_data_files,
    integers,
    numbers,
    read_episode_rows,
    video_file,
)
from fedarm.data.info import read_info
from fedarm.data.parquet import read_columns
from fedarm.errors import DataError

_REMEDY = "add the hotfix `mend_pointers`, which points the episodes at the files that hold them"


@dataclass(frozen=True)
class Removed:
    """What was removed with the undeclared files."""

    rows: int
    frames: int
    episodes: tuple[int, ...]
    why: str


def remove_undeclared_files(root: Path) -> Removed:
    """Remove files below `data/` and `videos/` that no metadata declares.

    Raises:
        DataError: A declared file is missing, or one that would go holds the only copy of declared
            rows or frames.
    """
    declared = declared_files(root)
    strays = [file for file in _files_below(root) if file not in declared]
    if not strays:
        return Removed(0, 0, (), "")
    missing = sorted(file for file in declared if not (root / file).is_file())
    if missing:
        raise DataError(
            "a declared file is missing, and an undeclared one may be it",
            file=root / missing[0],
            value=strays[0],
            remedy=_REMEDY,
        )
    _require_frames(root, strays)
    episodes, rows = _require_rows(root, [file for file in strays if file.endswith(".parquet")])
    frames = sum(count_packets(root / file) for file in strays if file.endswith(".mp4"))
    for file in strays:
        (root / file).unlink()
    _remove_empty_folders(root)
    why = f"{len(strays)} files are declared by no metadata, such as {strays[0]}"
    return Removed(rows, frames, episodes, why)


def declared_files(root: Path) -> set[str]:
    """Return the paths below the root of all data files and videos that the episodes name."""
    info = read_info(root)
    files = set()
    for row in read_episode_rows(root):
        files.add(data_file(info["data_path"], row))
        files.update(video_file(info["video_path"], row, camera) for camera in cameras_of(info))
    return files


def _files_below(root: Path) -> list[str]:
    found = [
        path.relative_to(root).as_posix()
        for folder in ("data", "videos")
        for path in (root / folder).rglob("*")
        if path.is_file()
    ]
    return sorted(found)


def _require_rows(root: Path, strays: list[str]) -> tuple[tuple[int, ...], int]:
    """Return the episodes and the rows of undeclared data files, all of which are elsewhere too."""
    listed = {row[EPISODE_INDEX] for row in read_episode_rows(root)}
    present = {pair for file in declared_data_files(root) for pair in _pairs(file)}
    episodes, rows = set[int](), 0
    for stray in strays:
        try:
            pairs = _pairs(root / stray)
        except DataError:
            # Damaged, and named by nobody: there is nothing to read from it.
            continue
        lost = sorted({episode for episode, _ in set(pairs) - present if episode in listed})
        if lost:
            raise DataError(
                f"an undeclared file holds the only rows of episodes {numbers(lost)}",
                file=root / stray,
                remedy=_REMEDY,
            )
        episodes.update(episode for episode, _ in pairs)
        rows += len(pairs)
    return tuple(sorted(episodes)), rows


def _pairs(file: Path) -> list[tuple[int, int]]:
    table = read_columns(file, [EPISODE_INDEX, FRAME_INDEX])
    return list(
        zip(*(integers(table, c).tolist() for c in (EPISODE_INDEX, FRAME_INDEX)), strict=True)
    )


def _require_frames(root: Path, strays: list[str]) -> None:
    """Refuse to remove a camera's video while its declared ones hold too few frames."""
    info = read_info(root)
    rows = read_episode_rows(root)
    needed = sum(row["length"] for row in rows)
    for camera in cameras_of(info):
        own = [file for file in strays if camera in Path(file).parts and file.endswith(".mp4")]
        declared = {video_file(info["video_path"], row, camera) for row in rows}
        if own and sum(count_packets(root / file) for file in declared) < needed:
            raise DataError(
                "an undeclared video may hold frames that the declared ones lack",
                file=root / own[0],
                key=camera,
                remedy=_REMEDY,
            )


def _remove_empty_folders(root: Path) -> None:
    for top in ("data", "videos"):
        folders = [path for path in (root / top).rglob("*") if path.is_dir()]
        for folder in sorted(folders, reverse=True):
            if not any(folder.iterdir()):
                folder.rmdir()
