"""Joint names, calibration eras and units of the SO-100 and SO-101: which numbers mean which pose.

Three conventions share one robot, and no file format says which one a dataset follows:

    legacy_degrees  until LeRobot #777 (June 2025): degrees, joints named `main_shoulder_pan`, ...; the
                    arm is straight at 90 in two joints, one of which counts the other way round
    normalized      from #777: each joint's calibrated range mapped to [-100, 100], and joints named
                    `shoulder_pan.pos`, ...
    degrees         since #2968 (February 2026): degrees from the middle of the range, the same names

In all three the gripper is in percent of its opening. Trained across eras, a policy learns two poses
for one number, and nothing else in the data looks wrong.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from fedarm.errors import DataError

Era = Literal["legacy_degrees", "normalized", "degrees"]
ERAS: tuple[Era, ...] = ("legacy_degrees", "normalized", "degrees")

BODY_JOINTS = ("shoulder_pan", "shoulder_lift", "elbow_flex", "wrist_flex", "wrist_roll")
GRIPPER = "gripper"
JOINT_SUFFIX = ".pos"

# The key of `meta/info.json` that fedarm writes; LeRobot ignores keys that it does not know.
ERA_KEY = "calibration_era"

LEGACY_PREFIX = "main_"

# What recorders write into `meta/info.json` about units, and what they mean by it. A bare "degrees" on
# a joint with a legacy name is the older kind: see `declared_era`.
_UNIT_KEYS = (ERA_KEY, "joint_units", "units", "unit", "norm_mode", "use_degrees")
_UNIT_WORDS: Mapping[str, Era] = {
    "legacy_degrees": "legacy_degrees",
    "normalized": "normalized",
    "range_m100_100": "normalized",
    "m100_100": "normalized",
    "[-100, 100]": "normalized",
    "false": "normalized",
    "degrees": "degrees",
    "degree": "degrees",
    "deg": "degrees",
    "true": "degrees",
}

# A normalized joint is clamped to its calibrated range, so nothing lies beyond 100 but rounding.
_CLAMP = 100.0
_CLAMP_TOLERANCE = 0.01
# Rows at the clamp, as a share, from which it is a clamp and no chance: a joint in degrees passes
# through exactly 100.000 now and then, but does not stay there.
_CLAMPED_SHARE = 0.002
_CLAMPED_ROWS = 5
# Ends of joints' ranges, low and high, that are met exactly: a joint in degrees may once end at 100.000,
# several do not.
_CLAMPED_ENDS = 3
# Shoulder lift and elbow reach about 110 degrees from the middle of their ranges; beyond it the
# numbers count from the legacy zero, where a folded arm is at about 180.
_REACH_DEGREES = 125.0
_QUANTILE = 0.95


@dataclass(frozen=True)
class EraGuess:
    """Which era some values are from.

    Attributes:
        era: The era, or None when the values fit more than one.
        confident: Whether the evidence excludes the other eras.
        reason: The evidence, in one sentence.
    """

    era: Era | None
    confident: bool
    reason: str


def base_name(name: str) -> str:
    """Return a joint's bare name: `main_shoulder_pan` and `shoulder_pan.pos` are `shoulder_pan`."""
    return name.removeprefix(LEGACY_PREFIX).removesuffix(JOINT_SUFFIX)


def is_so_arm(names: Sequence[str]) -> bool:
    """Return whether the joints are those of one SO-100 or SO-101, under the names of any era."""
    return sorted(base_name(name) for name in names) == sorted((*BODY_JOINTS, GRIPPER))


def canonical_names(names: Sequence[str]) -> tuple[str, ...]:
    """Return the joints' names of today: `main_shoulder_pan` becomes `shoulder_pan.pos`.

    Names of other joints are returned as they are.
    """
    known = {*BODY_JOINTS, GRIPPER}
    return tuple(
        f"{base_name(name)}{JOINT_SUFFIX}" if base_name(name) in known else name for name in names
    )


def joint_units(names: Sequence[str], era: Era | None) -> tuple[str, ...]:
    """Return the unit of each joint's numbers; "as recorded" where nobody can say.

    Args:
        names: The joints' names.
        era: What the numbers of an SO-100 or SO-101 mean, where it is known.
    """
    if era is None or not is_so_arm(names):
        return ("as recorded",) * len(names)
    body = "percent of range" if era == "normalized" else "degrees"
    return tuple("percent open" if base_name(name) == GRIPPER else body for name in names)


def declared_era(info: Mapping[str, Any], names: Sequence[str] = ()) -> Era | None:
    """Return the era that `meta/info.json` declares, under any of the keys that recorders use.

    Args:
        info: The content of `meta/info.json`.
        names: The joints' names: "degrees" of joints named `main_*` are legacy degrees.
    """
    features = info.get("features")
    state = features.get("observation.state") if isinstance(features, Mapping) else None
    for place in (info, state):
        if not isinstance(place, Mapping):
            continue
        for key in _UNIT_KEYS:
            era = _UNIT_WORDS.get(str(place.get(key)).strip().lower())
            if era == "degrees" and key != ERA_KEY and _any_legacy(names):
                return "legacy_degrees"
            if era is not None:
                return era
    return None


def detect_era(names: Sequence[str], values: NDArray[Any]) -> EraGuess:
    """Guess the era of recorded joints from their names and values.

    Args:
        names: The joints' names, in the order of the columns.
        values: `(frame, joint)`; rows with values that are not finite are left out.
    """
    if not is_so_arm(names):
        return EraGuess(None, False, "the joints are not those of an SO-100 or SO-101")
    if _any_legacy(names):
        return EraGuess("legacy_degrees", True, "joints are named main_*, as before LeRobot #777")
    rows = np.asarray(values, np.float64)
    rows = rows[np.isfinite(rows).all(axis=1)]
    if not len(rows):
        return EraGuess(None, False, "there is no finite row")
    joints = [base_name(name) for name in names]
    body = {joint: rows[:, joints.index(joint)] for joint in BODY_JOINTS}
    return _from_legacy_zero(body) or _from_clamp(body)


def _any_legacy(names: Sequence[str]) -> bool:
    return any(name.startswith(LEGACY_PREFIX) for name in names)


def _from_legacy_zero(body: Mapping[str, NDArray[np.float64]]) -> EraGuess | None:
    """Return a guess when shoulder lift or elbow is where only the legacy zero puts it."""
    high = {
        joint: float(np.quantile(body[joint], _QUANTILE))
        for joint in ("shoulder_lift", "elbow_flex")
    }
    beyond = [joint for joint, value in high.items() if value > _REACH_DEGREES]
    if not beyond:
        return None
    reason = ", ".join(f"{joint} reaches {high[joint]:.0f}" for joint in beyond)
    return EraGuess("legacy_degrees", len(beyond) == 2, f"{reason}, beyond its range in degrees")


def _from_clamp(body: Mapping[str, NDArray[np.float64]]) -> EraGuess:
    """Tell degrees from [-100, 100] by what lies at and beyond the clamp."""
    peak = {joint: float(np.abs(column).max()) for joint, column in body.items()}
    widest = max(peak, key=lambda joint: peak[joint])
    if peak[widest] > _CLAMP + _CLAMP_TOLERANCE:
        reason = f"{widest} reaches {peak[widest]:.1f}, which [-100, 100] does not hold"
        return EraGuess("degrees", True, reason)
    for joint, column in body.items():
        clamped = int((np.abs(column) >= _CLAMP - _CLAMP_TOLERANCE).sum())
        if clamped >= max(_CLAMPED_ROWS, _CLAMPED_SHARE * len(column)):
            reason = f"{joint} stands at +-100 in {clamped} of {len(column)} rows, and never beyond"
            return EraGuess("normalized", True, reason)
    ends = [end for column in body.values() for end in (column.min(), column.max())]
    met = sum(abs(abs(end) - _CLAMP) <= _CLAMP_TOLERANCE for end in ends)
    if met >= _CLAMPED_ENDS:
        reason = f"joints end at exactly +-100 on {met} sides, and never beyond"
        return EraGuess("normalized", True, reason)
    return EraGuess(
        None, False, "all values lie within [-100, 100], which degrees and normalized both allow"
    )


def convert_era(
    values: NDArray[Any],
    names: Sequence[str],
    *,
    source: Era,
    target: Era,
    ranges: Mapping[str, tuple[float, float]] | None = None,
) -> NDArray[np.float64]:
    """Return joint values of one era in the convention of another.

    Args:
        values: `(..., joint)`.
        names: The joints' names, of any era, in the order of the last axis.
        source: The era of `values`.
        target: The era to return.
        ranges: Calibrated range of each body joint in degrees (today's zero), `(low, high)` by bare
            name; needed to or from `normalized`, which is meaningless without it.

    Raises:
        DataError: The joints are not an SO arm's, or a range is needed and missing or empty.

    Source: LeRobot's backward-compatibility guide: `shoulder_lift = -(x - 90)`, `elbow_flex = x - 90`.
    """
    if not is_so_arm(names):
        raise DataError(
            "calibration eras are known for the SO-100 and SO-101 only",
            key="names",
            value=list(names),
            remedy="rename the joints first (rename_joints), or leave this dataset out",
        )
    converted = np.array(values, dtype=np.float64)
    if source == target:
        return converted
    if "normalized" in (source, target):
        ranges = _checked_ranges(ranges)
    for column, joint in enumerate(base_name(name) for name in names):
        if joint != GRIPPER:
            degrees = _to_degrees(converted[..., column], joint, source, ranges or {})
            converted[..., column] = _from_degrees(degrees, joint, target, ranges or {})
    return converted


def _to_degrees(
    values: NDArray[np.float64], joint: str, era: Era, ranges: Mapping[str, tuple[float, float]]
) -> NDArray[np.float64]:
    if era == "legacy_degrees" and joint in _LEGACY:
        sign, zero = _LEGACY[joint]
        return sign * (values - zero)
    if era == "normalized":
        low, high = ranges[joint]
        return low + (values + _CLAMP) / (2 * _CLAMP) * (high - low)
    return values


def _from_degrees(
    values: NDArray[np.float64], joint: str, era: Era, ranges: Mapping[str, tuple[float, float]]
) -> NDArray[np.float64]:
    if era == "legacy_degrees" and joint in _LEGACY:
        sign, zero = _LEGACY[joint]
        return sign * values + zero
    if era == "normalized":
        low, high = ranges[joint]
        return (values - low) / (high - low) * (2 * _CLAMP) - _CLAMP
    return values


# (direction, zero) of the joints whose legacy degrees differ from today's: today = sign * (x - zero).
_LEGACY: Mapping[str, tuple[float, float]] = {
    "shoulder_lift": (-1.0, 90.0),
    "elbow_flex": (1.0, 90.0),
}


def _checked_ranges(
    ranges: Mapping[str, tuple[float, float]] | None,
) -> dict[str, tuple[float, float]]:
    given = {base_name(name): bounds for name, bounds in (ranges or {}).items()}
    wrong = [
        joint
        for joint in BODY_JOINTS
        if joint not in given or not given[joint][0] < given[joint][1]
    ]
    if wrong:
        raise DataError(
            "normalized values mean nothing without each joint's calibrated range in degrees",
            key="ranges",
            value=wrong,
            remedy="give `ranges: {shoulder_pan: [-110, 110], ...}` from the arm's calibration file"
            " (range_min and range_max, 360/4096 degrees a step, from their middle)",
        )
    return given
