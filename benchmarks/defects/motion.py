"""Movement over time that no sound arm makes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .defect import Planted, Strength, by_strength, defect
from .rebuild import episode_runs, rebuild
from .tables import (
    ACTION,
    GRIPPER,
    MOVING,
    Motion,
    edit_motion,
    joint_names,
    lengths,
    matrix,
    pick_episode,
    read_rows,
    rows_of,
)


@defect("jitter", "an encoder's or teleoperator's noise on a joint")
def jitter(folder: Path, strength: Strength, rng: np.random.Generator) -> Planted:
    joint = int(rng.choice(MOVING))
    scale = by_strength(strength, 4.0, 8.0, 16.0)

    def shake(state: Motion, action: Motion) -> None:
        for values in (state, action):
            values[:, joint] += rng.normal(scale=scale, size=len(values))

    edit_motion(folder, shake)
    return Planted(("jitter", "jerk_smoothness"), (), None, joint_names(folder)[joint])


@defect("discontinuity", "one reading that jumps")
def discontinuity(folder: Path, strength: Strength, rng: np.random.Generator) -> Planted:
    episode = pick_episode(folder, rng)
    own = rows_of(folder, episode)
    frame = int(rng.integers(4, len(own) - 4))
    joint = int(rng.choice(MOVING))
    size = by_strength(strength, 40.0, 80.0, 160.0)
    last = by_strength(strength, frame + 1, frame + 1, len(own))

    def jump(state: Motion, action: Motion) -> None:
        del action
        state[own[frame:last], joint] += size if state[own[frame], joint] < 0 else -size

    edit_motion(folder, jump)
    # One that is back in the next frame is a spike.
    checks = ("discontinuity", "jitter")
    return Planted(checks, (episode,), (frame - 1, frame + 1), joint_names(folder)[joint])


@defect("frozen_state", "states that stand still while actions go on")
def frozen_state(folder: Path, strength: Strength, rng: np.random.Generator) -> Planted:
    episode = pick_episode(folder, rng)
    own = rows_of(folder, episode)
    frames = by_strength(strength, 8, 14, len(own))
    first = _busiest(folder, own, frames)

    def freeze(state: Motion, action: Motion) -> None:
        del action
        state[own[first : first + frames]] = state[own[first]]

    edit_motion(folder, freeze)
    return Planted(("frozen_state",), (episode,), (first, first + frames - 1))


@defect("gripper_chatter", "a gripper that opens and closes from frame to frame")
def gripper_chatter(folder: Path, strength: Strength, rng: np.random.Generator) -> Planted:
    episode = pick_episode(folder, rng)
    own = rows_of(folder, episode)
    frames = by_strength(strength, 10, 16, len(own))
    first = int(rng.integers(0, len(own) - frames + 1))

    def chatter(state: Motion, action: Motion) -> None:
        rows = own[first : first + frames]
        action[rows, GRIPPER] = np.where(np.arange(frames) % 2, 14.0, 48.0)
        state[rows, GRIPPER] = np.where(np.arange(frames) % 2, 40.0, 22.0)

    edit_motion(folder, chatter)
    return Planted(("gripper_chatter",), (episode,))


@defect("action_lag", "actions stored many frames late")
def action_lag(folder: Path, strength: Strength, rng: np.random.Generator) -> Planted:
    del rng
    frames = by_strength(strength, 4, 7, 12)
    owns = [rows_of(folder, episode) for episode in range(len(lengths(folder)))]

    def delay(state: Motion, action: Motion) -> None:
        del state
        for own in owns:
            action[own] = action[own[np.maximum(np.arange(len(own)) - frames, 0)]]

    edit_motion(folder, delay)
    return Planted(("action_state_divergence",))


@defect("idle_stall", "an arm that waits in the midst of an episode")
def idle_stall(folder: Path, strength: Strength, rng: np.random.Generator) -> Planted:
    """Repeat one frame, its picture too: the operator has paused."""
    episode = pick_episode(folder, rng)
    own = rows_of(folder, episode)
    frame = _busiest(folder, own, 4)
    pause = by_strength(strength, 20, 40, 80)
    runs = episode_runs(folder)
    runs[episode] = np.insert(own, frame, np.full(pause, own[frame]))
    rebuild(folder, runs)
    noise = rng.normal(scale=0.01, size=(sum(map(len, runs)), 6)).astype(np.float32)

    def breathe(state: Motion, action: Motion) -> None:
        del action
        state += noise

    edit_motion(folder, breathe)
    return Planted(("idle_stall",), (episode,), (frame, frame + pause))


@defect("jerky", "motion in steps, as a starved control loop gives")
def jerky(folder: Path, strength: Strength, rng: np.random.Generator) -> Planted:
    del rng
    hold = by_strength(strength, 3, 4, 6)
    owns = [rows_of(folder, episode) for episode in range(len(lengths(folder)))]

    def step(state: Motion, action: Motion) -> None:
        for own in owns:
            held = own[np.arange(len(own)) // hold * hold]
            state[own], action[own] = state[held], action[held]

    edit_motion(folder, step)
    checks = ("jerk_smoothness", "stamped_fps", "frozen_state", "jitter", "discontinuity")
    return Planted(checks)


def _busiest(folder: Path, own: NDArray[np.int64], frames: int) -> int:
    """Return where so many frames move most."""
    if frames >= len(own):
        return 0
    action = matrix(read_rows(folder), ACTION)[own]
    moved = np.abs(np.diff(action, axis=0)).max(axis=1)
    sums = np.convolve(moved, np.ones(frames), mode="valid")
    return int(np.argmax(sums[: len(own) - frames + 1]))
