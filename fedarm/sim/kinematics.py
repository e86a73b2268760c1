"""From where the tool should be to joint angles."""

from __future__ import annotations

import mujoco
import numpy as np
from numpy.typing import NDArray

from fedarm.sim.scene import TOOL_SITE, Scene

# How much a radian of tilt weighs against a metre of distance. Small: a tool that points down cannot be
# higher than some 8 cm, and should then tilt rather than stay below.
ORIENTATION_WEIGHT_M = 0.02
DAMPING = 1e-4

_MAX_ITERATIONS = 40
_CONVERGED_RAD = 1e-5
_MAX_STEP_RAD = 0.3
_DOWN = np.array([0.0, 0.0, -1.0])
# Shoulder pan, shoulder lift, elbow, wrist flex. Wrist roll and gripper stay as they are.
_ARM_JOINTS = 4

Radians = NDArray[np.float64]


class InverseKinematics:
    """Finds joint angles for a tool that points down.

    Damped least squares on position and direction of the tool; a joint at the end of its range is left
    there and the others make up for it.

    Source: Wampler, "Manipulator inverse kinematic solutions based on vector formulations and damped
        least-squares methods", 1986.

    Args:
        scene: Whose arm.
    """

    def __init__(self, scene: Scene) -> None:
        self._model = scene.model
        self._data = mujoco.MjData(scene.model)
        self._joints = scene.joint_addresses
        self._tool = scene.model.site(TOOL_SITE).id
        hinges = scene.joint_ids[:_ARM_JOINTS]
        self._low, self._high = scene.model.jnt_range[hinges].T
        self._columns = scene.model.jnt_dofadr[hinges]
        self._jacobians = np.zeros((2, 3, scene.model.nv))

    def solve(self, target_xyz: NDArray[np.float64], start: Radians) -> Radians:
        """Return hinge angles `(joint,)` that bring the tool to a target.

        Args:
            target_xyz: `(xyz,)`, metres.
            start: `(joint,)`: where to look first; wrist roll and gripper are taken from it.
        """
        angles = start.copy()
        for _ in range(_MAX_ITERATIONS):
            change = self._improve(angles, target_xyz)
            angles[:_ARM_JOINTS] += change
            if np.abs(change).max() < _CONVERGED_RAD:
                break
        return angles

    def tool(self, angles: Radians) -> NDArray[np.float64]:
        """Return where the tool is `(xyz,)` for hinge angles `(joint,)`."""
        self._data.qpos[self._joints] = angles
        mujoco.mj_kinematics(self._model, self._data)
        return np.array(self._data.site_xpos[self._tool])

    def _improve(self, angles: Radians, target_xyz: NDArray[np.float64]) -> Radians:
        position = self.tool(angles)
        mujoco.mj_comPos(self._model, self._data)
        mujoco.mj_jacSite(
            self._model, self._data, self._jacobians[0], self._jacobians[1], self._tool
        )
        pointing = self._data.site_xmat[self._tool].reshape(3, 3)[:, 2]
        weights = np.array([1.0, ORIENTATION_WEIGHT_M])
        error = np.concatenate(
            [target_xyz - position, ORIENTATION_WEIGHT_M * np.cross(pointing, _DOWN)]
        )
        jacobian = (weights[:, None, None] * self._jacobians[:, :, self._columns]).reshape(6, -1)
        return self._within_range(angles[:_ARM_JOINTS], jacobian, error)

    def _within_range(self, angles: Radians, jacobian: Radians, error: Radians) -> Radians:
        """Return the damped step; joints that it would push out of their range go to its end."""
        free = np.ones(_ARM_JOINTS, bool)
        change = np.zeros(_ARM_JOINTS)
        while free.any():
            left = error - jacobian[:, ~free] @ change[~free]
            part = jacobian[:, free]
            damped = part.T @ part + DAMPING**2 * np.eye(int(free.sum()))
            change[free] = np.linalg.solve(damped, part.T @ left)
            allowed = np.clip(change, self._low - angles, self._high - angles)
            over = free & (allowed != change)
            if not over.any():
                break
            change[over] = allowed[over]
            free &= ~over
        return np.asarray(change / max(1.0, np.abs(change).max() / _MAX_STEP_RAD))
