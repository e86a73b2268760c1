"""Hotfixes of joints: their names, and the calibration era that their values are from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fedarm.config_hotfixes import ConvertEra, RenameJoints
from fedarm.data.calibration import (
    ERA_KEY,
    Era,
    canonical_names,
    convert_era,
    declared_era,
    detect_era,
)
from fedarm.data.hotfixes.hotfix import NOTHING, Touched, hotfix
from fedarm.data.hotfixes.statistics import refresh_statistics
from fedarm.data.hotfixes.tables import (
    EPISODE_INDEX,
    declared_data_files,
    integers,
    read_table,
    replace_table,
    set_matrix,
    write_info,
)
from fedarm.data.info import ACTION, INFO_FILE, STATE, parse_info, read_info
from fedarm.data.parquet import matrix_column
from fedarm.errors import DataError, suggest

_VECTORS = (STATE, ACTION)


@hotfix("rename_joints", repairs=("joint_names",), lossless=True, order=80)
def rename_joints(root: Path, settings: RenameJoints) -> Touched:
    """Give joints other names; their values stay.

    The names `main_*` are all that tells an old calibration era, so it is written down before they go.

    Raises:
        DataError: There is no such joint.
    """
    info = read_info(root)
    names = _names(root, info)
    wanted = {key: _wanted_names(root, key, names[key], settings.joints) for key in _VECTORS}
    if wanted == names:
        return Touched(0, 0, (), NOTHING)
    era = declared_era(info, names[STATE]) or detect_era(names[STATE], np.empty((0, 6))).era
    renamed = _with_names(info, wanted)
    write_info(root, {**renamed, ERA_KEY: era} if era else renamed)
    pairs = zip((*names[STATE], *names[ACTION]), (*wanted[STATE], *wanted[ACTION]), strict=True)
    listed = ", ".join(dict.fromkeys(f"{old} is now {new}" for old, new in pairs if old != new))
    return Touched(0, 0, (), listed)


@hotfix("convert_era", repairs=("calibration_era", "joint_names"), lossless=False, order=90)
def convert_eras(root: Path, settings: ConvertEra) -> Touched:
    """Convert states and actions to another calibration era, and declare it in `meta/info.json`.

    Values are rounded to 32 bits again, so the way back need not end in the same last bit.

    Raises:
        DataError: The dataset's era cannot be told, or ranges that the conversion needs are missing.
    """
    info = read_info(root)
    names = _names(root, info)
    source = _source_era(root, info, names, settings)
    declared = {**_with_names(info, {key: canonical_names(names[key]) for key in _VECTORS})}
    declared[ERA_KEY] = settings.to
    if source == settings.to:
        write_info(root, declared)
        return Touched(0, 0, (), NOTHING)
    rows, episodes = 0, set[int]()
    for file in declared_data_files(root):
        table = read_table(file)
        for key in _VECTORS:
            values = convert_era(
                matrix_column(table, key, len(names[key]), file=file),
                names[key],
                source=source,
                target=settings.to,
                ranges=settings.ranges,
            )
            table = set_matrix(table, key, values.astype(np.float32))
        replace_table(file, table)
        rows += len(table)
        episodes.update(np.unique(integers(table, EPISODE_INDEX)).tolist())
    write_info(root, declared)
    refresh_statistics(root, _VECTORS)
    return Touched(
        rows, 0, tuple(sorted(episodes)), f"joints were in {source}, the others' in {settings.to}"
    )


def _names(root: Path, info: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    parsed = parse_info(info, root / INFO_FILE)
    return {STATE: parsed.state_names, ACTION: parsed.action_names}


def _wanted_names(
    root: Path, key: str, names: Sequence[str], joints: Mapping[str, str]
) -> tuple[str, ...]:
    if not joints:
        return canonical_names(names)
    known = set(names)
    unknown = [old for old, new in joints.items() if old not in known and new not in known]
    if unknown:
        raise DataError(
            "there is no such joint",
            file=root / INFO_FILE,
            key=f"features.{key}.names",
            value=unknown[0],
            remedy=suggest(unknown[0], names),
        )
    return tuple(joints.get(name, name) for name in names)


def _with_names(info: Mapping[str, Any], names: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    """Return `meta/info.json` with other joint names; a nested list of names stays nested."""
    features = dict(info["features"])
    for key, wanted in names.items():
        stored = features[key]["names"]
        value: Any = list(wanted)
        if isinstance(stored, dict):
            value = {next(iter(stored)): value}
        features[key] = {**features[key], "names": value}
    return {**info, "features": features}


def _source_era(
    root: Path, info: Mapping[str, Any], names: Mapping[str, Sequence[str]], settings: ConvertEra
) -> Era:
    """Return the era of the values: as fedarm declared it, as the user says, or as it shows."""
    written = info.get(ERA_KEY)
    if written == settings.to:
        return settings.to
    if settings.source is not None:
        if written not in (None, settings.source):
            raise DataError(
                "the dataset declares another era than the configuration",
                file=root / INFO_FILE,
                key=ERA_KEY,
                value=written,
                remedy="leave `from` out, or correct the file",
            )
        return settings.source
    declared = declared_era(info, names[STATE])
    if declared is not None:
        return declared
    guess = detect_era(names[STATE], _states(root, len(names[STATE])))
    if guess.era is None or not guess.confident:
        raise DataError(
            f"the calibration era cannot be told: {guess.reason}",
            file=root,
            key="from",
            value=guess.era,
            remedy="say it: `from: legacy_degrees`, `normalized` or `degrees`",
        )
    return guess.era


def _states(root: Path, width: int) -> NDArray[np.float32]:
    return np.concatenate(
        [
            matrix_column(read_table(file), STATE, width, file=file)
            for file in declared_data_files(root)
        ]
    )
