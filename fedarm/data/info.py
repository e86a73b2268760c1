"""What `meta/info.json` says of a LeRobot dataset: its rate, its joints and its cameras."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fedarm.data.parquet import REMEDY
from fedarm.errors import DataError

STATE = "observation.state"
ACTION = "action"
SUPPORTED_VERSION = "v3.0"
INFO_FILE = "meta/info.json"


@dataclass(frozen=True)
class DatasetInfo:
    """What `meta/info.json` says of a dataset.

    Attributes:
        codebase_version: LeRobot's format version, `v3.0`.
        fps: Frames a second.
        robot_type: The robot, for example `so101_follower`.
        state_names: Names of the state's joints, for example `shoulder_pan.pos`.
        action_names: Names of the action's joints.
        image_shapes: `(height, width, channel)` of each camera, by feature key.
        total_episodes: Episodes declared.
        total_frames: Frames declared.
    """

    codebase_version: str
    fps: float
    robot_type: str
    state_names: tuple[str, ...]
    action_names: tuple[str, ...]
    image_shapes: Mapping[str, tuple[int, int, int]]
    total_episodes: int
    total_frames: int

    @property
    def cameras(self) -> tuple[str, ...]:
        """Feature keys of the cameras, sorted."""
        return tuple(sorted(self.image_shapes))


def read_info(root: Path) -> dict[str, Any]:
    """Return the content of a dataset's `meta/info.json`.

    Raises:
        DataError: The file is missing or not JSON, or of another format version.
    """
    file = root / INFO_FILE
    if not file.is_file():
        raise DataError(
            "not a LeRobot dataset: its metadata is missing",
            file=file,
            remedy="give the folder that holds `meta/`, `data/` and `videos/`",
        )
    try:
        info = json.loads(file.read_text(encoding="utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise DataError(f"not valid JSON: {error}", file=file, remedy=REMEDY) from None
    version = info.get("codebase_version") if isinstance(info, dict) else None
    if version != SUPPORTED_VERSION:
        raise DataError(
            "a dataset of another format version",
            file=file,
            key="codebase_version",
            value=version,
            remedy="convert it with `python -m lerobot.scripts.convert_dataset_v21_to_v30`",
        )
    return dict(info)


def parse_info(info: Mapping[str, Any], file: Path) -> DatasetInfo:
    """Return what `meta/info.json` says, or say what is wrong with it.

    Raises:
        DataError: A key is missing or has the wrong type.
    """
    features = require(info, "features", dict, file)
    fps = require(info, "fps", (int, float), file)
    if fps <= 0:
        raise DataError("fps must be positive", file=file, key="fps", value=fps, remedy=REMEDY)
    return DatasetInfo(
        codebase_version=info["codebase_version"],
        fps=float(fps),
        robot_type=str(info.get("robot_type")),
        state_names=_joint_names(features, STATE, file),
        action_names=_joint_names(features, ACTION, file),
        image_shapes=_image_shapes(features, file),
        total_episodes=require(info, "total_episodes", int, file),
        total_frames=require(info, "total_frames", int, file),
    )


def require(mapping: Mapping[str, Any], key: str, kind: type | tuple[type, ...], file: Path) -> Any:
    """Return `mapping[key]`, which must be of a kind.

    Raises:
        DataError: It is missing or of another kind.
    """
    value = mapping.get(key)
    if not isinstance(value, kind) or isinstance(value, bool):
        raise DataError(
            "a key is missing or has the wrong type",
            file=file,
            key=key,
            value=value,
            remedy=REMEDY,
        )
    return value


def _joint_names(features: Mapping[str, Any], key: str, file: Path) -> tuple[str, ...]:
    feature = require(features, key, dict, file)
    names = feature.get("names")
    # Older recordings nest the list: {"motors": [...]}.
    if isinstance(names, dict) and len(names) == 1:
        names = next(iter(names.values()))
    shape = feature.get("shape")
    if not isinstance(names, list) or shape != [len(names)]:
        raise DataError(
            "a feature needs one name a joint",
            file=file,
            key=f"features.{key}.names",
            value=names,
            remedy=f"give {shape} names in the order of the columns",
        )
    return tuple(str(name) for name in names)


def _image_shapes(features: Mapping[str, Any], file: Path) -> dict[str, tuple[int, int, int]]:
    shapes: dict[str, tuple[int, int, int]] = {}
    for key in features:
        feature = require(features, key, dict, file)
        if feature.get("dtype") == "image":
            raise DataError(
                "cameras stored as single images are not supported",
                file=file,
                key=f"features.{key}.dtype",
                value="image",
                remedy="record with `use_videos=True`",
            )
        if feature.get("dtype") != "video":
            continue
        shape = feature.get("shape")
        if not isinstance(shape, list) or len(shape) != 3 or shape[2] != 3:
            raise DataError(
                "a camera's shape must be (height, width, 3)",
                file=file,
                key=f"features.{key}.shape",
                value=shape,
                remedy=REMEDY,
            )
        shapes[key] = (int(shape[0]), int(shape[1]), 3)
    return shapes
