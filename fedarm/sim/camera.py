"""Where the camera is, and where in its picture a point appears."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import mujoco
import numpy as np
from numpy.typing import NDArray

from fedarm.sim.looks import CameraShift

_POSITION_M = np.array([0.56, 0.0, 0.40])
_TARGET_M = np.array([0.18, 0.0, 0.045])
_FOVY_DEG = 43.0

Points = NDArray[np.float64]


@dataclass(frozen=True)
class CameraPose:
    """A pinhole camera.

    Attributes:
        position: `(xyz,)`, metres.
        axes: `(axis, xyz)`: the picture's right, its up, and the view's backward axis.
        fovy_deg: Vertical angle of view.
    """

    position: Points
    axes: Points
    fovy_deg: float

    def project(self, points: Points, size: int) -> Points:
        """Return where points `(point, xyz)` appear: `(point, 2)`, column and row in pixels.

        Whole numbers are the middles of pixels, as OpenCV draws.
        """
        seen = (points - self.position) @ self.axes.T
        focal_px = size / 2 / np.tan(np.radians(self.fovy_deg) / 2)
        depth = -seen[:, 2]
        column = size / 2 + focal_px * seen[:, 0] / depth
        row = size / 2 - focal_px * seen[:, 1] / depth
        return np.column_stack([column, row]) - 0.5

    def quaternion(self) -> Points:
        """Return the turn from the world's axes to the camera's, as MuJoCo has it: w, x, y, z."""
        quaternion = np.empty(4)
        mujoco.mju_mat2Quat(quaternion, self.axes.T.flatten())
        return quaternion


def camera_pose(shift: CameraShift) -> CameraPose:
    """Return the camera's pose after a shift."""
    backward = _unit(np.subtract(_POSITION_M, _TARGET_M))
    right = _unit(np.cross([0.0, 0.0, 1.0], backward))
    axes = np.stack([right, np.cross(backward, right), backward])
    position = _POSITION_M + np.array(shift.offset_m) @ axes
    turned = _rotation(axes[1], shift.yaw_deg) @ _rotation(axes[0], shift.pitch_deg)
    return CameraPose(position, axes @ turned.T, _FOVY_DEG)


def _unit(vector: NDArray[Any]) -> Points:
    return np.asarray(vector / np.linalg.norm(vector), np.float64)


def _rotation(axis: Points, angle_deg: float) -> Points:
    """Return the matrix of a turn about a unit axis.

    Source: Rodrigues' rotation formula.
    """
    x, y, z = axis
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    angle = np.radians(angle_deg)
    return np.asarray(np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross)
