"""A task's scene as a MuJoCo model: arm, table, cubes, goals, light and camera."""

from __future__ import annotations

from functools import cached_property, lru_cache
from typing import Any

import mujoco
import numpy as np
from numpy.typing import NDArray

from fedarm.sim import floors
from fedarm.sim.arm import light_arm
from fedarm.sim.camera import CameraPose, camera_pose
from fedarm.sim.joints import to_radians
from fedarm.sim.looks import Look
from fedarm.sim.rendering import Renderer
from fedarm.sim.tasks import CAMERA, JOINTS, Task, get_task, get_variant

PHYSICS_STEP_S = 0.005
CUBE_SIDE_M = 0.03
DISC_RADIUS_M = 0.04
TOOL_SITE = "gripperframe"
OBJECT = "object"

_CUBE_MASS_KG = 0.025
_DISC_THICKNESS_M = 0.001

# In small pictures edges are a good part of everything: they are smoothed by drawing four pixels for
# one. In larger ones that costs more than it shows.
_SMOOTHED_UP_TO_PX = 64

# Bits of MuJoCo's contact filter: the arm touches things, things touch things, and the arm does not
# touch itself. Its links hardly meet within reach of the table, and looking for that costs much.
_THINGS = {"contype": 1, "conaffinity": 3}
_ARM = {"contype": 2, "conaffinity": 1}

Points = NDArray[np.float64]


def goal_name(index: int) -> str:
    """Return the name of a goal's body."""
    return f"goal_{index}"


class Scene:
    """A compiled scene, shared by all simulations of it in a process.

    Attributes:
        task: The task as its variant stages it.
        model: The MuJoCo model.
        camera: The camera's pose.
    """

    def __init__(self, task: Task) -> None:
        self.task = task
        self.camera = camera_pose(task.camera)
        self.model = _build_spec(task, self.camera).compile()
        self._whereabouts: dict[str, tuple[int, int]] = {}

    @cached_property
    def joint_ids(self) -> NDArray[np.int64]:
        """The number of each joint in the model."""
        return np.array([self.model.joint(name.removesuffix(".pos")).id for name in JOINTS])

    @cached_property
    def joint_addresses(self) -> NDArray[np.int64]:
        """Where each joint's angle lies in `qpos`."""
        return np.asarray(self.model.jnt_qposadr[self.joint_ids])

    def project(self, points_xyz: Points, size: int) -> Points:
        """Return where points `(point, xyz)` in metres appear in a picture of `size` pixels.

        Returns:
            `(point, 2)`: column and row; whole numbers are the middles of pixels.
        """
        return self.camera.project(np.asarray(points_xyz, np.float64), size)

    def tool_positions(self, joints_deg: NDArray[Any]) -> Points:
        """Return where the tool is for given joints: the point between the tips of the jaws.

        Args:
            joints_deg: `(pose, joint)`, degrees and percent of gripper opening.

        Returns:
            `(pose, xyz)`, metres.
        """
        data = self._scratch
        tool = self.model.site(TOOL_SITE).id
        positions = np.empty((len(joints_deg), 3))
        for index, joints in enumerate(to_radians(joints_deg)):
            data.qpos[self.joint_addresses] = joints
            mujoco.mj_kinematics(self.model, data)
            positions[index] = data.site_xpos[tool]
        return positions

    def whereabouts(self, body: str) -> tuple[int, int]:
        """Return where a cube or disc has its position: row of `mocap_pos`, or first index in `qpos`.

        One of the two is negative. MuJoCo's own look-up by name costs more than a physics step.
        """
        if body not in self._whereabouts:
            mocap = int(self.model.body(body).mocapid[0])
            address = -1 if mocap >= 0 else int(self.model.joint(body).qposadr[0])
            self._whereabouts[body] = (mocap, address)
        return self._whereabouts[body]

    def render(
        self, data: mujoco.MjData, camera: mujoco.MjvCamera, *, size: int
    ) -> NDArray[np.uint8]:
        """Return what a camera sees of a simulation, `(size, size, 3)`."""
        supersampling = 2 if size <= _SMOOTHED_UP_TO_PX else 1
        return self._renderer.render(
            self.model, data, camera, size=size, supersampling=supersampling
        )

    @cached_property
    def _renderer(self) -> Renderer:
        return Renderer(self.model)

    @cached_property
    def _scratch(self) -> mujoco.MjData:
        return mujoco.MjData(self.model)


@lru_cache(maxsize=32)
def compile_scene(task_name: str, variant_name: str = "standard") -> Scene:
    """Return the scene of a task and a variant, compiled once a process.

    Raises:
        ConfigError: There is no such task or variant.
        MachineError: The arm's meshes are missing.
    """
    return Scene(get_variant(variant_name).stage(get_task(task_name)))


def _build_spec(task: Task, camera: CameraPose) -> mujoco.MjSpec:
    spec = mujoco.MjSpec.from_file(str(light_arm()))
    spec.modelname = task.name
    _set_options(spec)
    _paint_arm(spec, task.look)
    _add_table(spec, task.look)
    _add_light(spec)
    _add_goals(spec, task)
    _add_cube(spec, OBJECT)
    spec.worldbody.add_camera(
        name=CAMERA, pos=camera.position, quat=camera.quaternion(), fovy=camera.fovy_deg
    )
    return spec


def _set_options(spec: mujoco.MjSpec) -> None:
    spec.option.timestep = PHYSICS_STEP_S
    spec.option.integrator = mujoco.mjtIntegrator.mjINT_IMPLICITFAST
    spec.option.cone = mujoco.mjtCone.mjCONE_ELLIPTIC
    # MuJoCo's no-slip solver would double the cost of physics. The friction of an elliptic cone with the
    # arm's `impratio` of 10 is enough: a held cube creeps by 0.1 mm in 5 s.
    spec.option.noslip_iterations = 0
    spec.visual.quality.offsamples = 0
    # Shadows cost ten times what all the rest does.
    spec.visual.quality.shadowsize = 0
    spec.visual.map.znear = 0.05
    spec.visual.map.zfar = 10
    spec.stat.extent = 1.0
    spec.stat.center = [0.2, 0.0, 0.1]
    for geom in spec.geoms:
        if geom.contype or geom.conaffinity:
            geom.contype, geom.conaffinity = _ARM["contype"], _ARM["conaffinity"]


def _paint_arm(spec: mujoco.MjSpec, look: Look) -> None:
    for material in spec.materials:
        rgb = look.motor_rgb if material.name.startswith("sts3215") else look.robot_rgb
        material.rgba = [*rgb, 1]
        material.specular, material.shininess = 0.25, 0.3


def _add_table(spec: mujoco.MjSpec, look: Look) -> None:
    pixels = floors.floor_texture(look)
    texture = spec.add_texture(
        name="table",
        type=mujoco.mjtTexture.mjTEXTURE_2D,
        width=pixels.shape[1],
        height=pixels.shape[0],
        nchannel=3,
    )
    texture.data = pixels.tobytes()
    material = spec.add_material(name="table", texuniform=True, texrepeat=[1 / floors.SIDE_M] * 2)
    material.textures[mujoco.mjtTextureRole.mjTEXROLE_RGB] = "table"
    material.specular, material.shininess, material.reflectance = 0.1, 0.1, 0.0
    spec.worldbody.add_geom(
        name="table",
        type=mujoco.mjtGeom.mjGEOM_PLANE,
        size=[3, 3, 0.1],
        material="table",
        **_THINGS,
    )


def _add_light(spec: mujoco.MjSpec) -> None:
    spec.visual.headlight.ambient = [0.38, 0.38, 0.38]
    spec.visual.headlight.diffuse = [0.22, 0.22, 0.22]
    spec.visual.headlight.specular = [0.05, 0.05, 0.05]
    spec.worldbody.add_light(
        type=mujoco.mjtLightType.mjLIGHT_DIRECTIONAL,
        pos=[0.6, -0.5, 1.4],
        dir=[-0.3, 0.35, -1.0],
        diffuse=[0.55, 0.54, 0.52],
        specular=[0.2, 0.2, 0.2],
        castshadow=False,
    )


def _add_goals(spec: mujoco.MjSpec, task: Task) -> None:
    for index, colour in enumerate(task.goals):
        if task.relation == "stacked":
            _add_cube(spec, goal_name(index), rgb=colour.rgb)
            continue
        # A mocap body: placed anew each episode without a new model.
        body = spec.worldbody.add_body(name=goal_name(index), mocap=True)
        body.add_geom(
            type=mujoco.mjtGeom.mjGEOM_CYLINDER,
            size=[DISC_RADIUS_M, _DISC_THICKNESS_M / 2, 0],
            pos=[0, 0, _DISC_THICKNESS_M / 2],
            rgba=[*colour.rgb, 1],
            contype=0,
            conaffinity=0,
        )


def _add_cube(
    spec: mujoco.MjSpec, name: str, *, rgb: tuple[float, float, float] = (1.0, 1.0, 1.0)
) -> None:
    body = spec.worldbody.add_body(name=name)
    body.add_freejoint(name=name)
    body.add_geom(
        name=name,
        type=mujoco.mjtGeom.mjGEOM_BOX,
        size=[CUBE_SIDE_M / 2] * 3,
        mass=_CUBE_MASS_KG,
        rgba=[*rgb, 1],
        condim=4,
        friction=[1.0, 0.01, 0.001],
        solref=[0.01, 1],
        **_THINGS,
    )
