"""The lab's tasks, and the variants in which they are staged.

    pickplace          put the red cube on the blue disc
    stacking           stack the red cube on the blue cube
    sorting            put the cube, red or blue, on the disc of its colour
    so101_pickplace    pickplace mirrored, in another lab: other colours, another camera position

They stand in for `lerobot/svla_so100_pickplace`, `..._stacking`, `..._sorting` and
`lerobot/svla_so101_pickplace`, and carry the robot types of those datasets.

    standard                     what the clients own
    new_look                     another table and a white arm
    moved_camera                 3 cm and 4 degrees from where it was
    wider_spawn                  cubes and goals also where the clients never had them
    pool_a, pool_b, pool_c       other tables and arms: the public pool for the starting policy

Nothing here imports MuJoCo: a configuration can be validated without it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from fedarm.errors import ConfigError, suggest
from fedarm.sim.looks import (
    BLUE,
    ORANGE,
    RED,
    WHITE,
    CameraShift,
    Colour,
    Look,
)

CONTROL_FPS = 10
CAMERA = "front"
JOINTS = (
    "shoulder_pan.pos",
    "shoulder_lift.pos",
    "elbow_flex.pos",
    "wrist_flex.pos",
    "wrist_roll.pos",
    "gripper.pos",
)

Relation = Literal["on_disc", "stacked"]


@dataclass(frozen=True)
class Region:
    """A rectangle on the table in which something is put: metres, x ahead of the arm, y to its left."""

    x_m: tuple[float, float]
    y_m: tuple[float, float]

    def widened(self, scale: float) -> Region:
        """Return the region with its sides scaled about its centre."""
        return Region(_scaled(self.x_m, scale), _scaled(self.y_m, scale))


@dataclass(frozen=True)
class Task:
    """What is to be done, with what, and where.

    Attributes:
        name: As a configuration names it.
        env_id: As gymnasium names it.
        template: The instruction; `{object}` and `{goal}` stand for colours.
        robot_type: As a LeRobot dataset names the arm.
        relation: How the object should lie to its goal.
        objects: Colours that the object can have; one is drawn an episode.
        goals: The goals' colours; the object of colour i belongs to goal i.
        object_region: Where the object starts.
        goal_regions: Where each goal lies.
        look: The arm's and the table's colours.
        camera: Where the camera is.
        horizon_steps: Control steps after which an episode has failed.
    """

    name: str
    env_id: str
    template: str
    robot_type: str
    relation: Relation
    objects: tuple[Colour, ...]
    goals: tuple[Colour, ...]
    object_region: Region
    goal_regions: tuple[Region, ...]
    look: Look
    camera: CameraShift = field(default_factory=CameraShift)
    horizon_steps: int = 56

    @property
    def instruction(self) -> str:
        """What a policy is told to do."""
        return self.template.format(object=self.objects[0].name, goal=self.goals[0].name)


@dataclass(frozen=True)
class Variant:
    """Another staging of the same tasks.

    Attributes:
        name: As a configuration names it.
        look: The arm's and the table's colours; None for the task's own.
        camera: How far the camera is moved from where the task has it.
        spawn_scale: How much wider the regions are than the task's own.
    """

    name: str
    look: Look | None = None
    camera: CameraShift = field(default_factory=CameraShift)
    spawn_scale: float = 1.0

    def stage(self, task: Task) -> Task:
        """Return the task as this variant has it."""
        return replace(
            task,
            look=self.look or task.look,
            camera=task.camera + self.camera,
            object_region=task.object_region.widened(self.spawn_scale),
            goal_regions=tuple(region.widened(self.spawn_scale) for region in task.goal_regions),
        )


def get_task(name: str) -> Task:
    """Return a task by its name.

    Raises:
        ConfigError: There is no such task.
    """
    if name not in TASKS:
        raise ConfigError("unknown task", key="task", value=name, remedy=suggest(name, TASKS))
    return TASKS[name]


def get_variant(name: str) -> Variant:
    """Return a variant by its name.

    Raises:
        ConfigError: There is no such variant.
    """
    if name not in VARIANTS:
        raise ConfigError(
            "unknown variant", key="variant", value=name, remedy=suggest(name, VARIANTS)
        )
    return VARIANTS[name]


def _scaled(bounds: tuple[float, float], scale: float) -> tuple[float, float]:
    extra = (scale - 1) * (bounds[1] - bounds[0]) / 2
    return bounds[0] - extra, bounds[1] + extra


_GREY_MAT = Look("mat", (0.55, 0.58, 0.60), (0.66, 0.69, 0.71), robot_rgb=(0.95, 0.72, 0.10))
_GREEN_MAT = Look("mat", (0.16, 0.33, 0.27), (0.24, 0.43, 0.36), robot_rgb=(0.30, 0.32, 0.36))

# Within reach of a tool that points down, in full view, and left and right apart.
_RIGHT = Region((0.20, 0.26), (-0.11, -0.04))
_LEFT_GOAL = Region((0.21, 0.25), (0.07, 0.11))
_LEFT = Region((0.20, 0.26), (0.04, 0.11))
_RIGHT_GOAL = Region((0.21, 0.25), (-0.11, -0.07))

TASKS: Mapping[str, Task] = {
    task.name: task
    for task in (
        Task(
            name="pickplace",
            env_id="fedarm/SO101-PickPlace-v0",
            template="Put the {object} cube on the {goal} disc.",
            robot_type="so100_follower",
            relation="on_disc",
            objects=(RED,),
            goals=(BLUE,),
            object_region=_RIGHT,
            goal_regions=(_LEFT_GOAL,),
            look=_GREY_MAT,
        ),
        Task(
            name="stacking",
            env_id="fedarm/SO101-Stacking-v0",
            template="Stack the {object} cube on the {goal} cube.",
            robot_type="so100_follower",
            relation="stacked",
            objects=(RED,),
            goals=(BLUE,),
            object_region=_RIGHT,
            goal_regions=(Region((0.21, 0.25), (0.06, 0.10)),),
            look=_GREY_MAT,
        ),
        Task(
            name="sorting",
            env_id="fedarm/SO101-Sorting-v0",
            template="Put the cube on the disc of its colour.",
            robot_type="so100_follower",
            relation="on_disc",
            objects=(RED, BLUE),
            goals=(RED, BLUE),
            object_region=Region((0.19, 0.25), (-0.035, 0.035)),
            goal_regions=(
                Region((0.21, 0.25), (-0.14, -0.11)),
                Region((0.21, 0.25), (0.11, 0.14)),
            ),
            look=_GREY_MAT,
        ),
        Task(
            name="so101_pickplace",
            env_id="fedarm/SO101-PickPlaceMirrored-v0",
            template="Put the {object} cube on the {goal} disc.",
            robot_type="so101_follower",
            relation="on_disc",
            objects=(ORANGE,),
            goals=(WHITE,),
            object_region=_LEFT,
            goal_regions=(_RIGHT_GOAL,),
            look=_GREEN_MAT,
            camera=CameraShift(offset_m=(0.018, 0.024, 0.0), yaw_deg=2.8, pitch_deg=-2.8),
        ),
    )
}

VARIANTS: Mapping[str, Variant] = {
    variant.name: variant
    for variant in (
        Variant("standard"),
        Variant(
            "new_look",
            look=Look(
                "planks", (0.48, 0.33, 0.21), (0.36, 0.24, 0.15), robot_rgb=(0.88, 0.88, 0.86)
            ),
        ),
        Variant(
            "moved_camera",
            camera=CameraShift(offset_m=(-0.024, 0.018, 0.0), yaw_deg=-2.8, pitch_deg=2.8),
        ),
        Variant("wider_spawn", spawn_scale=1.4),
        Variant(
            "pool_a",
            look=Look(
                "planks", (0.72, 0.58, 0.42), (0.60, 0.46, 0.32), robot_rgb=(0.20, 0.36, 0.62)
            ),
        ),
        Variant(
            "pool_b",
            look=Look(
                "plain", (0.33, 0.36, 0.42), (0.33, 0.36, 0.42), robot_rgb=(0.80, 0.42, 0.16)
            ),
        ),
        Variant(
            "pool_c",
            look=Look("mat", (0.76, 0.74, 0.70), (0.66, 0.64, 0.60), robot_rgb=(0.22, 0.45, 0.34)),
        ),
    )
}
