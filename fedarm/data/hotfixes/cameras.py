"""The hotfix of camera keys, which differ between datasets and are ignored in silence when they do."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from fedarm.config_hotfixes import RenameCameras
from fedarm.data.hotfixes.hotfix import NOTHING, Touched, hotfix
from fedarm.data.hotfixes.tables import (
    STATS_FILE,
    cameras_of,
    episode_files,
    read_table,
    replace_table,
    write_info,
)
from fedarm.data.info import INFO_FILE, read_info
from fedarm.errors import DataError, suggest
from fedarm.paths import read_json, write_json


@hotfix("rename_cameras", repairs=("camera_keys",), lossless=True, order=70)
def rename_cameras(root: Path, settings: RenameCameras) -> Touched:
    """Give cameras other feature keys: in the metadata, in the tables and in the folders' names.

    Raises:
        DataError: There is no such camera, or the wanted key is another camera's.
    """
    info = read_info(root)
    wanted = _renames(root, settings.cameras, cameras_of(info))
    if not wanted:
        return Touched(0, 0, (), NOTHING)
    features = {wanted.get(key, key): value for key, value in info["features"].items()}
    write_info(root, {**info, "features": features})
    for old, new in wanted.items():
        folder = root / "videos" / old
        if folder.is_dir():
            folder.rename(root / "videos" / new)
    for file in episode_files(root):
        table = read_table(file)
        names = [_renamed(name, wanted) for name in table.column_names]
        if names != table.column_names:
            replace_table(file, table.rename_columns(names))
    if (root / STATS_FILE).is_file():
        stats = read_json(root / STATS_FILE)
        write_json(root / STATS_FILE, {wanted.get(key, key): stats[key] for key in stats})
    listed = ", ".join(f"{old} is now {new}" for old, new in wanted.items())
    return Touched(0, 0, (), f"camera keys differed from those wanted: {listed}")


def _renames(root: Path, cameras: Mapping[str, str], present: list[str]) -> dict[str, str]:
    """Return the renames that are not done yet."""
    wanted = {}
    for old, new in cameras.items():
        if old in present and new in present:
            raise DataError(
                "a camera cannot get the key of another one",
                file=root / INFO_FILE,
                key=old,
                value=new,
                remedy="choose a key that no camera has",
            )
        if old in present:
            wanted[old] = new
        elif new not in present:
            raise DataError(
                "there is no such camera",
                file=root / INFO_FILE,
                key=old,
                remedy=suggest(old, present),
            )
    return wanted


def _renamed(column: str, wanted: Mapping[str, str]) -> str:
    """Return a column of the episodes table under its camera's new key: `videos/<key>/file_index`."""
    parts = column.split("/")
    if len(parts) == 3 and parts[0] in ("videos", "stats"):
        parts[1] = wanted.get(parts[1], parts[1])
    return "/".join(parts)
