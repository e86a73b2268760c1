"""Values of joints that no sound arm gives: not finite, dead, clipped, elsewhere than commanded."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from .defect import Planted, Strength, by_strength, defect
from .tables import (
    ACTION,
    GRIPPER,
    MOVING,
    STATE,
    Motion,
    edit_motion,
    joint_names,
    pick_episode,
    rows_of,
)


@defect("nan", "NaN in the states or actions of a few frames")
def nan(folder: Path, strength: Strength, rng: np.random.Generator) -> Planted:
    return _spoil(folder, strength, rng, float("nan"), STATE)


@defect("infinity", "infinite actions, as a bad calibration gives")
def infinity(folder: Path, strength: Strength, rng: np.random.Generator) -> Planted:
    return _spoil(folder, strength, rng, float("-inf"), ACTION)


def _spoil(
    folder: Path, strength: Strength, rng: np.random.Generator, value: float, key: str
) -> Planted:
    """Put a value in a frame's joint, in a whole frame, or in half an episode (lerobot #607)."""
    episode = pick_episode(folder, rng)
    own = rows_of(folder, episode)
    frame = int(rng.integers(1, len(own) // 2))
    joint = int(rng.integers(len(joint_names(folder))))
    rows = own[frame : frame + by_strength(strength, 1, 1, len(own) // 2)]
    joints = by_strength(strength, [joint], slice(None), slice(None))

    def change(state: Motion, action: Motion) -> None:
        values = state if key == STATE else action
        part = values[rows]
        part[:, joints] = value
        values[rows] = part

    # Statistics of such rows would be NaN, which is no JSON: the recorder's are left.
    edit_motion(folder, change, statistics=False)
    drop = ({"fix": "drop_episodes"},)
    name = joint_names(folder)[joint] if strength == "mild" else key
    return Planted(("non_finite",), (episode,), (frame, frame), name, drop)


@defect("dead_joint", "a joint whose state never moves although it is commanded to")
def dead_joint(folder: Path, strength: Strength, rng: np.random.Generator) -> Planted:
    joint = int(rng.choice(MOVING))
    noise = by_strength(strength, 0.02, 0.001, 0.0)

    def kill(state: Motion, action: Motion) -> None:
        del action
        state[:, joint] = state[0, joint] + rng.normal(scale=noise, size=len(state))

    edit_motion(folder, kill)
    return Planted(("dead_joint",), (), None, joint_names(folder)[joint])


@defect("saturated_joint", "a joint that is clipped at a limit much of the time")
def saturated_joint(folder: Path, strength: Strength, rng: np.random.Generator) -> Planted:
    joint = int(rng.choice(MOVING))
    share = by_strength(strength, 0.35, 0.5, 0.7)

    def clip(state: Motion, action: Motion) -> None:
        limit = np.quantile(action[:, joint], 1 - share)
        for values in (state, action):
            values[:, joint] = np.minimum(values[:, joint], limit)

    edit_motion(folder, clip)
    return Planted(("saturated_joint",), (), None, joint_names(folder)[joint])


@defect("gripper_inert", "a gripper that never moves")
def gripper_inert(folder: Path, strength: Strength, rng: np.random.Generator) -> Planted:
    noise = by_strength(strength, 0.3, 0.05, 0.0)

    def hold(state: Motion, action: Motion) -> None:
        state[:, GRIPPER] = state[0, GRIPPER] + rng.normal(scale=noise, size=len(state))
        action[:, GRIPPER] = action[0, GRIPPER]

    edit_motion(folder, hold)
    return Planted(("gripper_inert",))


@defect("action_state_divergence", "a joint that does not go where it is sent")
def divergence(folder: Path, strength: Strength, rng: np.random.Generator) -> Planted:
    joint = int(rng.choice(MOVING))
    offset = by_strength(strength, 15.0, 30.0, 60.0)

    def shift(state: Motion, action: Motion) -> None:
        del action
        state[:, joint] += offset

    edit_motion(folder, shift)
    checks = ("action_state_divergence", "endpoint_agreement")
    return Planted(checks, (), None, joint_names(folder)[joint])


@defect("endpoint_disagreement", "an episode that ends elsewhere than it was sent")
def endpoint(folder: Path, strength: Strength, rng: np.random.Generator) -> Planted:
    episode = pick_episode(folder, rng)
    own = rows_of(folder, episode)
    joint = int(rng.choice(MOVING))

    def drift(state: Motion, action: Motion) -> None:
        del action
        ramp = np.clip(np.linspace(-1, 1, len(own)), 0, 1)
        state[own, joint] += ramp * by_strength(strength, 20.0, 40.0, 80.0)

    edit_motion(folder, drift)
    return Planted(("endpoint_agreement", "action_state_divergence"), (episode,))


@defect("action_range_mismatch", "actions on another scale than the states")
def action_range(folder: Path, strength: Strength, rng: np.random.Generator) -> Planted:
    joint = int(rng.choice(MOVING))
    scale = by_strength(strength, 2.5, 5.0, 20.0)

    def stretch(state: Motion, action: Motion) -> None:
        del state
        middle = action[:, joint].mean()
        action[:, joint] = middle + scale * (action[:, joint] - middle)

    edit_motion(folder, stretch)
    checks = ("action_range_mismatch", "action_state_divergence", "units_out_of_range")
    return Planted(checks, (), None, joint_names(folder)[joint])


@defect("out_of_reach", "readings outside what a joint can do")
def out_of_reach(folder: Path, strength: Strength, rng: np.random.Generator) -> Planted:
    joint = int(rng.choice(MOVING))
    offset = by_strength(strength, 270.0, 360.0, 3600.0)

    def turn(state: Motion, action: Motion) -> None:
        state[:, joint] += offset
        action[:, joint] += offset

    edit_motion(folder, turn)
    return Planted(("units_out_of_range", "calibration_era"), (), None, joint_names(folder)[joint])
