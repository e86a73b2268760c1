"""Initial conditions: where everything lies at the start of an episode."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fedarm.sim.tasks import Region, Task

# Room for the jaws between a cube and what lies beside it.
MIN_APART_M = 0.07
HOME_JITTER_DEG = 2.0
# A cube's sides face the arm's base, as jaws that open along the arm need it, but for this much.
YAW_JITTER_RAD = 0.25


@dataclass(frozen=True)
class Placement:
    """Where everything lies at the start of an episode.

    Attributes:
        goal: Which of the task's goals is the object's.
        object_xy_m: Where the object lies.
        object_yaw_rad: How it is turned.
        goals_xy_m: Where each goal lies.
        goal_yaw_rad: How the goals are turned.
        home_offset_deg: `(joint,)`: the arm's first pose less the home pose.
    """

    goal: int
    object_xy_m: tuple[float, float]
    object_yaw_rad: float
    goals_xy_m: tuple[tuple[float, float], ...]
    goal_yaw_rad: float
    home_offset_deg: NDArray[np.float64]

    def positions(self) -> dict[str, float]:
        """Return where the object and its goal lie on the table, in metres."""
        goal_x, goal_y = self.goals_xy_m[self.goal]
        return {
            "object_start_x_m": self.object_xy_m[0],
            "object_start_y_m": self.object_xy_m[1],
            "goal_start_x_m": goal_x,
            "goal_start_y_m": goal_y,
        }


def draw_placement(task: Task, rng: np.random.Generator) -> Placement:
    """Draw the initial conditions of an episode."""
    goal = int(rng.integers(len(task.objects)))
    goals = tuple(_draw(region, rng) for region in task.goal_regions)
    object_xy = _draw(task.object_region, rng)
    while any(np.hypot(object_xy[0] - x, object_xy[1] - y) < MIN_APART_M for x, y in goals):
        object_xy = _draw(task.object_region, rng)
    return Placement(
        goal=goal,
        object_xy_m=object_xy,
        object_yaw_rad=_facing(object_xy, rng),
        goals_xy_m=goals,
        goal_yaw_rad=_facing(goals[goal], rng),
        home_offset_deg=rng.uniform(-HOME_JITTER_DEG, HOME_JITTER_DEG, size=6),
    )


def _draw(region: Region, rng: np.random.Generator) -> tuple[float, float]:
    return float(rng.uniform(*region.x_m)), float(rng.uniform(*region.y_m))


def _facing(xy_m: tuple[float, float], rng: np.random.Generator) -> float:
    towards_base = np.arctan2(xy_m[1], xy_m[0])
    return float(towards_base + rng.uniform(-YAW_JITTER_RAD, YAW_JITTER_RAD))
