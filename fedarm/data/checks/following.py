"""Checks of how joints answer their commands: dead, stopped at a limit, on another scale, elsewhere."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from fedarm.data.checks.finding import Evidence, check
from fedarm.data.checks.series import Series, body_joints, quantile, tracking_residual
from fedarm.data.checks.subject import Subject, Track
from fedarm.data.info import ACTION, STATE

_MOVES_DEGREES = 5.0
_DEAD_DEGREES = 0.3
_PINNED_SHARE = 0.2
_PINNED_BAND = 1e-4
_PUSH_DEGREES = 1.5
_FOLLOWS = {"body": 0.85, "gripper": 0.5}
# Gravity and a soft leader leave a joint a few degrees from where it is sent, all the time.
_OFFSET_DEGREES = 12.0
_SCALE = {"body": (0.67, 1.5), "gripper": (0.35, 3.0)}
_OFFSET = {"body": 12.0, "gripper": 40.0}


@check(
    "dead_joint",
    severity="error",
    measures="joints that do not move although they are told to, or never at all",
    remedy="check the motor and its cable; drop these episodes (hotfix drop_episodes)",
    same_as=(
        "lerobot-lint DEAD_JOINT",
        "lerobot-doctor anomalies",
        "lerobot-doctor statistics",
        "deepen-grade plausibility.robot_data",
    ),
)
def find_dead_joint(subject: Subject) -> Iterator[Evidence]:
    """Find joints whose state stands still under a moving command, and columns of one value."""
    columns = subject.columns(STATE)
    for track in _paired(subject):
        state, action = np.ptp(track.state, axis=0), np.ptp(track.action, axis=0)
        for joint in np.flatnonzero((state < _DEAD_DEGREES) & (action > _MOVES_DEGREES)):
            yield Evidence(
                f"told to move by {action[joint]:.1f}, the joint stands still",
                episode=track.episode,
                column=columns[joint],
                value=round(float(state[joint]), 4),
            )
    if len(subject.tracks) < 2:
        return
    whole = np.concatenate([track.state for track in subject.tracks])
    for joint in np.flatnonzero(np.ptp(whole, axis=0) == 0):
        yield Evidence(
            "the joint has one value in all episodes",
            column=columns[joint],
            value=float(whole[0, joint]),
        )


@check(
    "saturated_joint",
    severity="warning",
    measures=f"joints that stand at a limit in over {_PINNED_SHARE:.0%} of an episode",
    remedy="a mechanical limit or a wrong calibration: calibrate again, or drop these episodes "
    "(hotfix drop_episodes)",
    same_as=(
        "lerobot-lint SATURATED_JOINT",
        "lerobot-doctor actions",
        "deepen-grade episode_quality.joint_limit_saturation",
    ),
)
def find_saturated_joint(subject: Subject) -> Iterator[Evidence]:
    """Find joints cut off at a value that they run into at speed, or are pushed beyond."""
    body = body_joints(subject.dataset.info.state_names)
    for track in _paired(subject):
        for joint in body:
            for sign in (1.0, -1.0):
                pinned = _pinned(sign * track.state[:, joint])
                if pinned is None or not _cut_off(track, int(joint), sign, pinned):
                    continue
                yield Evidence(
                    f"the joint stands at its {'highest' if sign > 0 else 'lowest'} value in "
                    f"{pinned.mean():.0%} of the frames",
                    episode=track.episode,
                    frame=int(track.frame[int(np.argmax(pinned))]),
                    column=subject.columns(STATE)[joint],
                    value=float(track.state[int(np.argmax(pinned)), joint]),
                )


@check(
    "action_range_mismatch",
    severity="error",
    measures="whether actions have the scale and the zero of the states",
    remedy="leader and follower were calibrated differently: convert_era if an era explains it, "
    "otherwise record again",
    same_as=("lerobot-lint ACTION_RANGE_MISMATCH",),
)
def find_action_range(subject: Subject) -> Iterator[Evidence]:
    """Compare each joint's spread and middle between state and action, an episode a time."""
    names = subject.dataset.info.state_names
    columns = subject.columns(ACTION)
    for track in _paired(subject):
        # The same moments of both, or the edges of the episode would differ.
        state = _spread(track.state[subject.lead :])
        action = _spread(track.action[: len(track.action) - subject.lead])
        offset = np.median(tracking_residual(track, subject.lead), axis=0)
        for joint, name in enumerate(names):
            kind = "gripper" if "gripper" in name else "body"
            low, high = _SCALE[kind]
            ratio = action[joint] / max(state[joint], 1e-9)
            moved = max(state[joint], action[joint]) > 2 * _MOVES_DEGREES
            if moved and state[joint] > _DEAD_DEGREES and not low <= ratio <= high:
                message, value = "the action's spread is not the state's", ratio
            elif abs(offset[joint]) > _OFFSET[kind]:
                message, value = "the state stands beside the action", offset[joint]
            else:
                continue
            yield Evidence(
                message,
                episode=track.episode,
                column=columns[joint],
                value=round(float(value), 3),
            )


@check(
    "action_state_divergence",
    severity="error",
    measures="whether states follow actions, at the set's own delay: correlation, and distance",
    remedy="leader and follower disagree, or rows were mixed up: drop these episodes "
    "(hotfix drop_episodes)",
    same_as=(
        "lerobot-lint ACTION_STATE_DIVERGENCE",
        "deepen-grade episode_quality.action_state_consistency",
    ),
)
def find_divergence(subject: Subject) -> Iterator[Evidence]:
    """Find joints that move otherwise than they are told to."""
    names = subject.dataset.info.state_names
    lead = subject.lead
    for track in _paired(subject):
        state, action = track.state[lead:], track.action[: len(track.action) - lead]
        moving = (np.ptp(state, axis=0) > _MOVES_DEGREES) & (
            np.ptp(action, axis=0) > _MOVES_DEGREES
        )
        correlation = _correlation(state, action)
        for joint in np.flatnonzero(moving):
            limit = _FOLLOWS["gripper" if "gripper" in names[joint] else "body"]
            follows = float(correlation[joint])
            if follows < limit:
                yield Evidence(
                    "the joint does not follow its command",
                    episode=track.episode,
                    column=subject.columns(STATE)[joint],
                    value=round(follows, 3),
                )
        apart = np.median(state - action, axis=0)
        for joint in body_joints(names)[np.abs(apart[body_joints(names)]) > _OFFSET_DEGREES]:
            yield Evidence(
                "the joint stays away from where it is sent",
                episode=track.episode,
                column=subject.columns(STATE)[joint],
                value=round(float(apart[joint]), 3),
            )


def _paired(subject: Subject) -> tuple[Track, ...]:
    """Return the tracks when states and actions are of the same joints, long enough to compare."""
    info = subject.dataset.info
    if info.state_names != info.action_names:
        return ()
    return tuple(track for track in subject.tracks if len(track.frame) > subject.lead + 3)


def _correlation(one: Series, other: Series) -> Series:
    """Return the correlation of each column with the same one of the other, `(column,)`."""
    one, other = one - one.mean(axis=0), other - other.mean(axis=0)
    scale = np.sqrt(np.square(one).sum(axis=0) * np.square(other).sum(axis=0))
    return np.asarray((one * other).sum(axis=0) / np.maximum(scale, 1e-12))


def _spread(values: Series) -> Series:
    return quantile(values, 0.95) - quantile(values, 0.05)


def _pinned(values: Series) -> NDArray[np.bool_] | None:
    """Return the frames at the highest value, when they are many and the joint moves otherwise."""
    if np.ptp(values) < _MOVES_DEGREES:
        return None
    pinned = np.asarray(values >= values.max() - _PINNED_BAND)
    return pinned if pinned.mean() >= _PINNED_SHARE else None


def _cut_off(track: Track, joint: int, sign: float, pinned: NDArray[np.bool_]) -> bool:
    """Return whether a joint that stands at an extreme was stopped there and did not come to rest.

    It is pushed beyond by its command, or it arrives at more than half of its usual speed: a person
    slows down before a pause.
    """
    beyond = sign * (track.action[:, joint] - track.state[:, joint]) > _PUSH_DEGREES
    if beyond[pinned].mean() > 0.5:
        return True
    steps = np.abs(np.diff(track.state[:, joint]))
    arrivals = np.flatnonzero(pinned[1:] & ~pinned[:-1])
    moving = steps[steps > _DEAD_DEGREES]
    if not len(arrivals) or not len(moving):
        return False
    before = steps[np.maximum(arrivals - 1, 0)]
    return bool(np.median(before) > 0.5 * np.median(moving))
