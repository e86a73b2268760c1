"""Stored statistics and metadata that disagree with the rows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from .defect import Planted, Strength, by_strength, defect
from .film import camera_keys
from .tables import ACTION, STATE, STATS_FILE, edit_info, edit_json

RECOMPUTE = ({"fix": "recompute_statistics"},)


@defect("stats_inflated", "a stored deviation far above that of the rows")
def inflated(folder: Path, strength: Strength, rng: np.random.Generator) -> Planted:
    """Statistics pooled over unselected episodes have been seen up to 4600 times too large."""
    joint = int(rng.integers(6))
    return _change(folder, STATE, "std", joint, by_strength(strength, 1.5, 10, 4600))


@defect("stats_shifted", "a stored mean beside that of the rows")
def shifted(folder: Path, strength: Strength, _: np.random.Generator) -> Planted:
    size = by_strength(strength, 2.0, 10.0, 90.0)

    def change(stats: dict[str, Any]) -> None:
        stats[ACTION]["mean"] = [mean + size for mean in stats[ACTION]["mean"]]

    edit_json(folder / STATS_FILE, change)
    return Planted(("stored_statistics",), (), None, ACTION, RECOMPUTE, True)


@defect("stats_zero_std", "a stored deviation of zero for a joint that moves")
def zero_std(folder: Path, strength: Strength, _: np.random.Generator) -> Planted:
    joints = by_strength(strength, [5], [0, 5], [0, 1, 2, 3, 4, 5])

    def change(stats: dict[str, Any]) -> None:
        for joint in joints:
            stats[STATE]["std"][joint] = 0.0

    edit_json(folder / STATS_FILE, change)
    return Planted(("stored_statistics",), (), None, STATE, RECOMPUTE, True)


@defect("stats_no_quantiles", "statistics without the quantiles of version 3")
def no_quantiles(folder: Path, strength: Strength, _: np.random.Generator) -> Planted:
    keys = by_strength(strength, (ACTION,), (STATE, ACTION), None)

    def change(stats: dict[str, Any]) -> None:
        for key in keys or stats:
            for name in ("q01", "q10", "q50", "q90", "q99"):
                stats[key].pop(name, None)

    edit_json(folder / STATS_FILE, change)
    return Planted(("stored_statistics",), (), None, ACTION, RECOMPUTE, True)


@defect("stats_wrong_count", "a stored count of frames that is not the rows'")
def wrong_count(folder: Path, strength: Strength, _: np.random.Generator) -> Planted:
    return _change(folder, STATE, "count", 0, by_strength(strength, 1.5, 2, 20))


@defect("stats_bounds", "stored bounds that the rows exceed")
def bounds(folder: Path, strength: Strength, rng: np.random.Generator) -> Planted:
    joint = int(rng.integers(4))
    return _change(folder, ACTION, "max", joint, by_strength(strength, 0.8, 0.5, -1.0))


@defect("stats_missing", "no statistics of a feature, or none at all")
def missing(folder: Path, strength: Strength, _: np.random.Generator) -> Planted:
    keys = by_strength(strength, (camera_keys(folder)[0],), (STATE, ACTION), None)
    if keys is None:
        (folder / STATS_FILE).unlink()
        return Planted(("stored_statistics", "readable"), (), None, STATS_FILE, RECOMPUTE, True)
    edit_json(folder / STATS_FILE, lambda stats: [stats.pop(key) for key in keys] and None)
    return Planted(("stored_statistics",), (), None, keys[0], RECOMPUTE, True)


@defect("stats_not_finite", "stored statistics that are NaN")
def not_finite(folder: Path, strength: Strength, _: np.random.Generator) -> Planted:
    def change(stats: dict[str, Any]) -> None:
        width = by_strength(strength, 1, 3, 6)
        stats[STATE]["mean"][:width] = [float("nan")] * width

    edit_json(folder / STATS_FILE, change)
    return Planted(("stored_statistics",), (), None, STATE, RECOMPUTE, True)


@defect("old_version", "a dataset of another format version")
def old_version(folder: Path, strength: Strength, _: np.random.Generator) -> Planted:
    version = by_strength(strength, "v2.1", "v2.0", "v9.0")
    edit_info(folder, lambda info: info.update(codebase_version=version))
    return Planted(("readable",), (), None, "codebase_version")


@defect("wrong_shape", "a feature whose shape is not that of its names or rows")
def wrong_shape(folder: Path, strength: Strength, _: np.random.Generator) -> Planted:
    def change(info: dict[str, Any]) -> None:
        feature = info["features"][by_strength(strength, STATE, ACTION, ACTION)]
        feature["shape"] = by_strength(strength, [7], [5], [12])
        if strength != "mild":
            feature["names"] = [f"{joint}.pos" for joint in range(feature["shape"][0])]

    edit_info(folder, change)
    return Planted(("readable", "schema"), (), None, by_strength(strength, STATE, ACTION, ACTION))


def _change(folder: Path, key: str, name: str, position: int, factor: float) -> Planted:
    def change(stats: dict[str, Any]) -> None:
        value = stats[key][name][position]
        # A bound near zero, multiplied, stays where it is.
        stats[key][name][position] = value * factor if abs(value) > 1 else value + factor - 1

    edit_json(folder / STATS_FILE, change)
    return Planted(("stored_statistics",), (), None, key, RECOMPUTE, True)
