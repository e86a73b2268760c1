"""A scripted expert: it knows where everything lies, plans a way for the tool, and follows it.

    above the object - down - close - up - across - down on the goal - open - a little inwards - up

Its jaws open along the arm (wrist roll 0), the fixed one on the side of the base.

In transit small noise is added to what the arm is told, and what would have been right is recorded: the
demonstrations then show how to come back from where a policy ends up by its own errors. There is none
near the places where it grasps and lets go.

Source: Laskey et al., "DART: Noise injection for robust imitation learning", 2017.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fedarm.provenance import derive_seed
from fedarm.sim.joints import from_radians, to_radians
from fedarm.sim.kinematics import InverseKinematics
from fedarm.sim.placement import Placement
from fedarm.sim.scene import CUBE_SIDE_M, Scene, compile_scene
from fedarm.sim.simulation import Simulation, home_angles

NOISE_DEG = float(np.degrees(0.02))

# What is left of a disturbance has faded when the tool arrives.
_CALM_STEPS = 2
_SPEED_M = 0.03  # a control step
_SLOW_M = 0.018
_HOVER_M = 0.075
_GRASP_M = 0.014
# Let go a little above: what overshoots must not press on what lies below.
_DROP_M = 0.002
_OPEN_PERCENT = 48.0
_SHUT_PERCENT = 14.0
# Room between the fixed jaw and the cube on the way down.
_APPROACH_INWARDS_M = 0.008
# Closing pushes the cube against the fixed jaw, this much nearer to the base than the tool's middle.
_HELD_INWARDS_M = 0.005
# The fixed jaw still touches the cube after opening: rising at once would drag it along.
_CLEAR_INWARDS_M = 0.012

Xyz = NDArray[np.float64]


@dataclass(frozen=True)
class Move:
    """A straight way of the tool.

    Attributes:
        to_xyz: Where it ends, metres.
        gripper: Percent open at its end.
        speed_m: Metres a control step.
        steps: At least so many control steps.
        noisy: Whether the arm is disturbed on the way.
    """

    to_xyz: Xyz
    gripper: float
    speed_m: float = _SPEED_M
    steps: int = 1
    noisy: bool = False


@dataclass(frozen=True)
class Demonstration:
    """What an expert did in an episode.

    Attributes:
        seed: The seed of its initial conditions.
        instruction: What was asked for.
        states: `(step, joint)` before each action: degrees and percent of gripper opening.
        actions: `(step, joint)`: joint targets, in the same units.
        frames: `(step, height, width, channel)` before each action; no rows when not rendered.
        success: Whether it worked.
    """

    seed: int
    instruction: str
    states: NDArray[np.float32]
    actions: NDArray[np.float32]
    frames: NDArray[np.uint8]
    success: bool

    @property
    def steps(self) -> int:
        """Control steps."""
        return len(self.actions)


def demonstrate(
    task: str, variant: str = "standard", *, seed: int, image_size: int = 64, render: bool = True
) -> Demonstration:
    """Let the expert do a task once.

    Args:
        task: The task's name.
        variant: The variant's name.
        seed: Decides the initial conditions and the noise.
        image_size: Side of the camera's picture, in pixels.
        render: Whether to take pictures.

    Raises:
        ConfigError: There is no such task or variant.
    """
    scene = compile_scene(task, variant)
    simulation = Simulation(scene)
    placement = simulation.reset(seed)
    rng = np.random.default_rng(derive_seed(seed, "expert_noise"))
    states, actions, frames = [], [], []
    for action, noisy in joint_targets(scene, placement):
        if render:
            frames.append(simulation.render(image_size))
        states.append(simulation.state())
        actions.append(action)
        simulation.step(action + _noise(rng) if noisy else action)
    return Demonstration(
        seed=seed,
        instruction=scene.task.instruction,
        states=np.array(states, np.float32),
        actions=np.array(actions, np.float32),
        frames=np.array(frames, np.uint8).reshape(-1, image_size, image_size, 3),
        success=simulation.success,
    )


def joint_targets(scene: Scene, placement: Placement) -> Iterator[tuple[NDArray[np.float32], bool]]:
    """Yield the joint targets `(joint,)` of a plan, and whether the arm may be disturbed there."""
    kinematics = InverseKinematics(scene)
    angles = home_angles(placement)
    for move in plan(placement, stacked=scene.task.relation == "stacked"):
        start = kinematics.tool(angles)
        gripper = from_radians(angles)[-1]
        count = max(move.steps, int(np.ceil(np.linalg.norm(move.to_xyz - start) / move.speed_m)))
        for step in range(1, count + 1):
            share = step / count
            angles = kinematics.solve(start + share * (move.to_xyz - start), angles)
            target = from_radians(angles)
            target[-1] = gripper + share * (move.gripper - gripper)
            angles = to_radians(target)
            yield target.astype(np.float32), move.noisy and step <= count - _CALM_STEPS


def plan(placement: Placement, *, stacked: bool) -> tuple[Move, ...]:
    """Return the tool's way from the home pose to an object, with it to its goal, and off."""
    grasp = _outwards(_at(placement.object_xy_m, _GRASP_M), -_APPROACH_INWARDS_M)
    rest_m = _GRASP_M + _DROP_M + (CUBE_SIDE_M if stacked else 0.0)
    put = _outwards(_at(placement.goals_xy_m[placement.goal], rest_m), _HELD_INWARDS_M)
    clear = _outwards(put, -_CLEAR_INWARDS_M)
    return (
        Move(_above(grasp), _OPEN_PERCENT, noisy=True),
        Move(grasp, _OPEN_PERCENT, speed_m=_SLOW_M),
        Move(grasp, _SHUT_PERCENT, steps=3),
        Move(_above(grasp), _SHUT_PERCENT, speed_m=_SLOW_M),
        Move(_above(put), _SHUT_PERCENT, noisy=True),
        Move(put, _SHUT_PERCENT, speed_m=_SLOW_M),
        Move(put, _SHUT_PERCENT),
        Move(put, _OPEN_PERCENT, steps=3),
        Move(clear, _OPEN_PERCENT, speed_m=_SLOW_M),
        Move(_above(clear), _OPEN_PERCENT, speed_m=_SLOW_M),
    )


def _at(xy_m: tuple[float, float], height_m: float) -> Xyz:
    return np.array([*xy_m, height_m])


def _above(point: Xyz) -> Xyz:
    return np.array([point[0], point[1], _HOVER_M])


def _outwards(point: Xyz, distance_m: float) -> Xyz:
    """Return a point moved away from the base."""
    radial = np.array([point[0], point[1], 0.0])
    return np.asarray(point + distance_m * radial / np.linalg.norm(radial))


def _noise(rng: np.random.Generator) -> NDArray[np.float32]:
    noise = rng.normal(scale=NOISE_DEG, size=6)
    noise[4:] = 0
    return noise.astype(np.float32)
