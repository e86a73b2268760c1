"""States and actions that no sound arm gives."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .defect import Planted, Strength, by_strength, defect
from .meaning import append_task
from .rebuild import episode_runs, rebuild
from .tables import (
    ACTION,
    STATE,
    edit_motion,
    joint_names,
    lengths,
    matrix,
    pick_episode,
    read_rows,
    rows_of,
)

Motion = NDArray[np.float32]
GRIPPER = 5
# Joints that move in every task of the lab.
MOVING = (0, 1, 2, 3)


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


@defect("gripper_inert", "a gripper that never moves")
def gripper_inert(folder: Path, strength: Strength, rng: np.random.Generator) -> Planted:
    noise = by_strength(strength, 0.3, 0.05, 0.0)

    def hold(state: Motion, action: Motion) -> None:
        state[:, GRIPPER] = state[0, GRIPPER] + rng.normal(scale=noise, size=len(state))
        action[:, GRIPPER] = action[0, GRIPPER]

    edit_motion(folder, hold)
    return Planted(("gripper_inert",))


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


@defect("short_episode", "an episode of a few frames")
def short_episode(folder: Path, strength: Strength, rng: np.random.Generator) -> Planted:
    episode = pick_episode(folder, rng)
    runs = episode_runs(folder)
    runs[episode] = runs[episode][: by_strength(strength, 8, 3, 1)]
    rebuild(folder, runs)
    drop = ({"fix": "drop_episodes", "episodes": [episode]},)
    return Planted(("short_episode", "episode_lengths"), (episode,), None, None, drop)


@defect("long_episode", "an episode many times longer than the others")
def long_episode(folder: Path, strength: Strength, rng: np.random.Generator) -> Planted:
    episode = pick_episode(folder, rng)
    times = by_strength(strength, 4, 6, 10)
    runs = episode_runs(folder)
    own = runs[episode]
    runs[episode] = np.concatenate([own[::-1] if turn % 2 else own for turn in range(times)])
    rebuild(folder, runs)
    drop = ({"fix": "drop_episodes", "episodes": [episode]},)
    return Planted(("episode_lengths",), (episode,), None, None, drop)


@defect("duplicate_episodes", "an episode recorded in the set again")
def duplicate_episodes(folder: Path, strength: Strength, rng: np.random.Generator) -> Planted:
    """Make one episode a copy of another, with faint noise when mild, several of them when strong."""
    count = len(lengths(folder))
    source = int(rng.integers(count))
    others = [e for e in range(count) if e != source]
    copies = others[: by_strength(strength, 1, 1, 3)]
    runs = episode_runs(folder)
    rebuild(folder, [runs[source if e in copies else e] for e in range(count)])
    if strength == "mild":
        own = rows_of(folder, copies[0])
        noise = rng.normal(scale=0.003, size=(len(own), 6)).astype(np.float32)

        def whisper(state: Motion, action: Motion) -> None:
            del action
            state[own] += noise

        edit_motion(folder, whisper)
    episodes = tuple(sorted({source, *copies}))
    drop = ({"fix": "drop_episodes", "episodes": copies},)
    return Planted(("duplicate_episodes",), episodes, None, None, drop)


@defect("low_diversity", "episodes that hardly differ")
def low_diversity(folder: Path, strength: Strength, rng: np.random.Generator) -> Planted:
    """Make every episode the first, with noise that tells them apart."""
    count = len(lengths(folder))
    first = rows_of(folder, 0)
    rebuild(folder, [first] * count)
    scale = by_strength(strength, 0.3, 0.1, 0.03)
    noise = rng.normal(scale=scale, size=(len(first) * count, 6)).astype(np.float32)

    def vary(state: Motion, action: Motion) -> None:
        state += noise
        action += np.repeat(rng.normal(scale=scale, size=(count, 6)), len(first), axis=0)

    edit_motion(folder, vary)
    return Planted(("low_diversity", "duplicate_episodes"))


@defect("task_imbalance", "two tasks of which one has nearly all episodes")
def task_imbalance(folder: Path, strength: Strength, rng: np.random.Generator) -> Planted:
    """Copy episodes until one task has 10, 15 or 30 times as many as a second, new one."""
    wanted = by_strength(strength, 11, 16, 31)
    runs = episode_runs(folder)
    runs = [runs[episode % len(runs)] for episode in range(wanted)]
    rebuild(folder, runs)
    offsets = np.concatenate([np.full((len(run), 6), rng.normal(scale=2, size=6)) for run in runs])

    def differ(state: Motion, action: Motion) -> None:
        state += offsets
        action += offsets

    edit_motion(folder, differ)
    append_task(folder, "Put the cube back.", episode=wanted - 1)
    return Planted(("task_imbalance",))


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


def _busiest(folder: Path, own: NDArray[np.int64], frames: int) -> int:
    """Return where so many frames move most."""
    if frames >= len(own):
        return 0
    action = matrix(read_rows(folder), ACTION)[own]
    moved = np.abs(np.diff(action, axis=0)).max(axis=1)
    sums = np.convolve(moved, np.ones(frames), mode="valid")
    return int(np.argmax(sums[: len(own) - frames + 1]))
