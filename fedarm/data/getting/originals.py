"""A dataset as somebody recorded it, and the metadata that tells early whether it can be used."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from fedarm.data.info import SUPPORTED_VERSION
from fedarm.data.parquet import REMEDY
from fedarm.errors import DataError, suggest

CONVERTIBLE_VERSIONS = ("v2.0", "v2.1")


@dataclass(frozen=True)
class Original:
    """A dataset as it was got; never written to.

    Attributes:
        root: The folder of its files; it may hold others.
        files: Posix paths of the dataset's files below it.
        origin: Where it is from, for the manifest.
    """

    root: Path
    files: tuple[str, ...]
    origin: Mapping[str, Any]

    def link_into(self, folder: Path) -> None:
        """Link the dataset's files, and nothing else, into a folder."""
        for name in self.files:
            link = folder / name
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to((self.root / name).resolve())


def check_metadata(
    info_file: Path, *, episodes: int, renamed: Mapping[str, str] = MappingProxyType({})
) -> str:
    """Return a dataset's format version, or say why it cannot be used; only its metadata is read.

    Args:
        info_file: `meta/info.json`.
        episodes: How many episodes are needed at least; 0 if that cannot be said yet.
        renamed: Present to wanted feature key of the cameras that a hotfix renames.

    Raises:
        DataError: Not JSON, a format version that cannot be read, too few episodes, or no such camera.
    """
    info = _read(info_file)
    version = info.get("codebase_version")
    if version not in (*CONVERTIBLE_VERSIONS, SUPPORTED_VERSION):
        raise DataError(
            "a dataset of a format version that cannot be read",
            file=info_file,
            key="codebase_version",
            value=version,
            remedy=f"convert it to {SUPPORTED_VERSION} with the LeRobot that wrote it",
        )
    _check_episodes(info, info_file, episodes=episodes)
    _check_cameras(info, info_file, renamed=renamed)
    return str(version)


def _check_episodes(info: Mapping[str, Any], file: Path, *, episodes: int) -> None:
    present = info.get("total_episodes")
    if present == 0 and episodes:
        raise DataError(
            "the dataset is empty",
            file=file,
            key="total_episodes",
            value=present,
            remedy="record some episodes, or take another dataset",
        )
    if isinstance(present, int) and present < episodes:
        raise DataError(
            f"too few episodes: {present}, and with those held out {episodes} are needed",
            file=file,
            key="held_out",
            value=present,
            remedy="hold out fewer episodes, or record more",
        )


def _check_cameras(info: Mapping[str, Any], file: Path, *, renamed: Mapping[str, str]) -> None:
    features = info.get("features")
    features = features if isinstance(features, dict) else {}
    present = sorted(
        key
        for key, feature in features.items()
        if isinstance(feature, dict) and feature.get("dtype") == "video"
    )
    if not present:
        raise DataError(
            "the dataset has no camera, and a policy needs one to see",
            file=file,
            key="features",
            value=sorted(features),
            remedy="take a dataset recorded with a camera, stored as video",
        )
    for camera, wanted in renamed.items():
        if camera not in present and wanted not in present:
            raise DataError(
                "the dataset has no such camera",
                file=file,
                key="rename_cameras",
                value=camera,
                remedy=suggest(camera, present),
            )


def _read(info_file: Path) -> dict[str, Any]:
    try:
        info = json.loads(info_file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(f"not valid JSON: {error}", file=info_file, remedy=REMEDY) from None
    if not isinstance(info, dict):
        raise DataError("not a JSON object", file=info_file, remedy=REMEDY)
    return info
