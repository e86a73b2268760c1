"""Joint units: degrees and percent of gripper opening outside, radians inside.

As LeRobot's SO-101 has them in degrees mode: zero in the middle of a joint's range, and a gripper that
is shut at 0 and wide open at 100.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

# The range of the gripper's hinge in the arm's model.
GRIPPER_RANGE_RAD = (-0.174533, 1.7453292)

_SHUT, _OPEN = GRIPPER_RANGE_RAD


def to_radians(joints: NDArray[Any]) -> NDArray[np.float64]:
    """Return hinge angles `(..., joint)` of joints in degrees and percent."""
    radians = np.radians(np.asarray(joints, np.float64))
    radians[..., -1] = _SHUT + np.asarray(joints)[..., -1] / 100 * (_OPEN - _SHUT)
    return radians


def from_radians(radians: NDArray[Any]) -> NDArray[np.float64]:
    """Return joints `(..., joint)` in degrees and percent of hinge angles."""
    joints = np.degrees(np.asarray(radians, np.float64))
    joints[..., -1] = (np.asarray(radians)[..., -1] - _SHUT) / (_OPEN - _SHUT) * 100
    return joints
