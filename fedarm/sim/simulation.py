"""One episode of a scene: physics, what the arm senses, what the camera sees, and whether it worked.

Success, once reached, stays: the object was lifted, lies where it should, is at rest, and the gripper is
open.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import mujoco
import numpy as np
from numpy.typing import NDArray

from fedarm.sim.joints import from_radians, to_radians
from fedarm.sim.placement import Placement, draw_placement
from fedarm.sim.scene import (
    CUBE_SIDE_M,
    DISC_RADIUS_M,
    OBJECT,
    PHYSICS_STEP_S,
    Scene,
    goal_name,
)
from fedarm.sim.tasks import CAMERA, CONTROL_FPS

# The tool above the table's middle, pointing down, jaws half open.
HOME_DEG = (0.0, -27.0, 28.0, 90.0, 0.0, 35.0)

LIFTED_M = 0.02
ON_DISC_M = 0.03
STACKED_M = 0.015
HEIGHT_TOLERANCE_M = 0.006
AT_REST_M_PER_S = 0.03
# A gripper that holds a cube is some 20 percent open.
OPEN_PERCENT = 28.0

FRAMES_A_STEP = 3
_PHYSICS_STEPS = round(1 / CONTROL_FPS / PHYSICS_STEP_S)
_FRAME_ENDS = frozenset(
    round(_PHYSICS_STEPS * (frame + 1) / FRAMES_A_STEP) for frame in range(FRAMES_A_STEP)
)
# Targets move evenly from one to the next: given as jumps, each joint would race to its own as fast as
# it can, and the tool would swing by a centimetre on its way.
_RAMP = np.arange(1, _PHYSICS_STEPS + 1) / _PHYSICS_STEPS

Joints = NDArray[np.float32]


@dataclass(frozen=True)
class StepOutcome:
    """What a control step came to.

    Attributes:
        success: Whether the task is done, now or before.
    """

    success: bool

    @property
    def reward(self) -> float:
        """1.0 when the task is done, else 0.0."""
        return float(self.success)


def home_angles(placement: Placement) -> NDArray[np.float64]:
    """Return the hinge angles `(joint,)` of the arm's first pose."""
    return to_radians(np.array(HOME_DEG) + placement.home_offset_deg)


class Simulation:
    """An episode in a scene; many can share one scene.

    Args:
        scene: Where.
    """

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.placement: Placement | None = None
        self.success = False
        self._model = scene.model
        self._data = mujoco.MjData(scene.model)
        self._joints = scene.joint_addresses
        self._lift_m = 0.0
        self._camera = mujoco.MjvCamera()
        self._camera.type = mujoco.mjtCamera.mjCAMERA_FIXED
        self._camera.fixedcamid = scene.model.camera(CAMERA).id

    def reset(self, seed: int) -> Placement:
        """Start an episode anew; the seed alone decides where everything lies.

        Returns:
            Where everything lies.
        """
        self.placement = draw_placement(self.scene.task, np.random.default_rng(seed))
        self.success = False
        self._lift_m = 0.0
        mujoco.mj_resetData(self._model, self._data)
        joints = home_angles(self.placement)
        self._data.qpos[self._joints] = joints
        self._data.ctrl[:] = joints
        self._put(OBJECT, self.placement.object_xy_m, self.placement.object_yaw_rad)
        for index, xy_m in enumerate(self.placement.goals_xy_m):
            self._put(goal_name(index), xy_m, self.placement.goal_yaw_rad)
        mujoco.mj_forward(self._model, self._data)
        return self.placement

    def step(
        self, action: NDArray[Any], *, on_frame: Callable[[Simulation], None] | None = None
    ) -> StepOutcome:
        """Hold joint targets for a tenth of a second.

        Args:
            action: `(joint,)`, degrees and percent; targets beyond a joint's range mean its end.
            on_frame: Called after each thirtieth of a second.
        """
        low, high = self._model.actuator_ctrlrange.T
        target = np.clip(to_radians(action), low, high)
        controls = self._data.ctrl
        way = controls + _RAMP[:, None] * (target - controls)
        for index, control in enumerate(way, start=1):
            controls[:] = control
            mujoco.mj_step(self._model, self._data)
            if on_frame is not None and index in _FRAME_ENDS:
                on_frame(self)
        self._judge()
        return StepOutcome(self.success)

    def state(self) -> Joints:
        """Return the joints `(joint,)` as they are: degrees and percent of gripper opening."""
        return from_radians(self._data.qpos[self._joints]).astype(np.float32)

    def render(self, size: int) -> NDArray[np.uint8]:
        """Return what the camera sees, `(size, size, 3)`; physics does not notice."""
        placement = self._placed()
        # Positions are those before the last physics step until they are computed again.
        mujoco.mj_kinematics(self._model, self._data)
        mujoco.mj_camlight(self._model, self._data)
        # All simulations share the model, and an episode can have an object of another colour.
        colour = self.scene.task.objects[placement.goal]
        self._model.geom(OBJECT).rgba[:3] = colour.rgb
        return self.scene.render(self._data, self._camera, size=size)

    def distances(self) -> Mapping[str, float]:
        """Return how far the object is from its goal and how high it has been, in metres."""
        offset = self._position(OBJECT) - self._position(self._goal())
        return {
            "object_goal_distance_m": float(np.hypot(offset[0], offset[1])),
            "object_lift_m": self._lift_m,
        }

    def final_frame_check(self) -> Mapping[str, Any]:
        """Return what a picture shows after a success.

        Returns:
            Colours from 0 to 255, how the two lie, and how far from the middle of a disc the object may
            be, in radii of the disc.
        """
        task, goal = self.scene.task, self._placed().goal
        return {
            "object_rgb": [round(255 * level) for level in task.objects[goal].rgb],
            "goal_rgb": [round(255 * level) for level in task.goals[goal].rgb],
            "relation": task.relation,
            "tolerance": ON_DISC_M / DISC_RADIUS_M,
        }

    def object_position(self) -> NDArray[np.float64]:
        """Return the middle of the object `(xyz,)`, metres."""
        return self._position(OBJECT)

    def _judge(self) -> None:
        height_m = self._position(OBJECT)[2] - CUBE_SIDE_M / 2
        self._lift_m = max(self._lift_m, float(height_m))
        self.success = self.success or (
            self._lift_m >= LIFTED_M
            and self._is_placed()
            and float(np.linalg.norm(self._data.joint(OBJECT).qvel[:3])) <= AT_REST_M_PER_S
            and float(self.state()[-1]) >= OPEN_PERCENT
        )

    def _is_placed(self) -> bool:
        position = self._position(OBJECT)
        goal = self._position(self._goal())
        stacked = self.scene.task.relation == "stacked"
        near_m = STACKED_M if stacked else ON_DISC_M
        rest_m = goal[2] + CUBE_SIDE_M if stacked else CUBE_SIDE_M / 2
        return bool(
            np.hypot(*(position - goal)[:2]) <= near_m
            and abs(position[2] - rest_m) <= HEIGHT_TOLERANCE_M
        )

    def _goal(self) -> str:
        return goal_name(self._placed().goal)

    def _placed(self) -> Placement:
        if self.placement is None:
            raise RuntimeError("reset the simulation before using it")
        return self.placement

    def _position(self, body: str) -> NDArray[np.float64]:
        """Return where a cube or disc is `(xyz,)`; up to date at any time."""
        mocap, address = self.scene.whereabouts(body)
        if mocap >= 0:
            return np.array(self._data.mocap_pos[mocap])
        return np.array(self._data.qpos[address : address + 3])

    def _put(self, body: str, xy_m: tuple[float, float], yaw_rad: float) -> None:
        mocap = self._model.body(body).mocapid[0]
        if mocap >= 0:
            self._data.mocap_pos[mocap] = [*xy_m, 0]
            return
        turn = [np.cos(yaw_rad / 2), 0, 0, np.sin(yaw_rad / 2)]
        self._data.joint(body).qpos[:] = [*xy_m, CUBE_SIDE_M / 2, *turn]
