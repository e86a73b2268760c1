"""Checks of single joints: names, units, range, and whether they follow their commands."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from fedarm.data.calibration import BODY_JOINTS, GRIPPER, JOINT_SUFFIX, LEGACY_PREFIX, is_so_arm
from fedarm.data.checks.finding import Evidence, check
from fedarm.data.checks.series import Series, body_joints, gripper_joints, tracking_residual
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
# A whole turn and more is no pose of these arms; [-pi, pi] is none that a task stays within in degrees.
_BODY_LIMIT, _GRIPPER_LIMITS = 200.0, (-12.0, 115.0)
_RADIANS, _FRACTION = 3.3, 1.2
_GRASPING = ("pick", "grasp", "place", "put", "lift", "insert", "stack", "sort", "grab", "take")
_INERT_PERCENT = 2.0


@check(
    "joint_names",
    severity="error",
    measures="names of the joints: unique, the same for states and actions, those of the robot",
    remedy="give the joints their names (hotfix rename_joints)",
    same_as=("lerobot-quality-gates sensors", "lerobot-doctor training"),
    needs="metadata",
)
def find_joint_names(subject: Subject) -> Iterator[Evidence]:
    """Find names that say nothing, that are there twice, or that differ between state and action."""
    info = subject.dataset.info
    for key, names in ((STATE, info.state_names), (ACTION, info.action_names)):
        told = ", ".join(names)
        if len(set(names)) != len(names):
            yield Evidence("two joints have one name", column=key, value=told)
        elif any(not name.strip() or name.strip().isdigit() for name in names):
            yield Evidence("a joint has a number or nothing for a name", column=key, value=told)
        elif info.robot_type.startswith(("so100", "so101")) and not is_so_arm(names):
            yield Evidence(f"not the joints of a {info.robot_type}", column=key, value=told)
        elif is_so_arm(names) and not _as_recorded(names):
            yield Evidence(
                "not the names that recorders give these joints, in the arm's order",
                column=key,
                value=told,
            )
    if info.state_names != info.action_names:
        same = sorted(info.state_names) == sorted(info.action_names)
        what = "stand in another order" if same else "have other names"
        told = ", ".join(info.action_names)
        yield Evidence(f"the action's joints {what} than the state's", column=ACTION, value=told)


@check(
    "units_out_of_range",
    severity="error",
    measures="values that no arm reaches in degrees and percent, and values that look like radians",
    remedy="convert the units (hotfix convert_era) or drop the episodes (hotfix drop_episodes)",
    same_as=("lerobot-doctor statistics", "deepen-grade plausibility.robot_data"),
)
def find_units(subject: Subject) -> Iterator[Evidence]:
    """Find encoder counts, radians, fractions and values beyond reach, an episode a time."""
    names = subject.dataset.info.state_names
    if not is_so_arm(names):
        return
    body, gripper = body_joints(names), gripper_joints(names)
    for key in (STATE, ACTION):
        columns = subject.columns(key)
        for track in subject.tracks:
            values = track.state if key == STATE else track.action
            low = np.where(np.isin(range(len(names)), body), -_BODY_LIMIT, _GRIPPER_LIMITS[0])
            high = np.where(np.isin(range(len(names)), body), _BODY_LIMIT, _GRIPPER_LIMITS[1])
            yield from _beyond(track, values, (low, high), columns)
            reach = np.abs(values).max(axis=0)
            if np.ptp(values[:, body], axis=0).max() > 0.05 and reach[body].max() < _RADIANS:
                yield Evidence(
                    "all joints stay within +-pi: radians or [-1, 1], not degrees",
                    episode=track.episode,
                    column=key,
                    value=round(float(reach[body].max()), 4),
                )
            for joint in gripper:
                if np.ptp(values[:, joint]) > 0.02 and reach[joint] < _FRACTION:
                    yield Evidence(
                        "the gripper stays within [0, 1]: a fraction, not percent",
                        episode=track.episode,
                        column=columns[joint],
                        value=round(float(reach[joint]), 4),
                    )


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
    "gripper_inert",
    severity="warning",
    measures="grippers that never move although the task says to grasp",
    remedy="drop these episodes (hotfix drop_episodes): nothing was grasped",
    same_as=("lerobot-lint GRIPPER_INERT",),
)
def find_gripper_inert(subject: Subject) -> Iterator[Evidence]:
    """Find episodes of a grasping task in which the gripper's state stands still."""
    tasks = subject.dataset.tasks
    for track in subject.tracks:
        task = tasks[track.task] if 0 <= track.task < len(tasks) else ""
        if not any(word in task.lower() for word in _GRASPING):
            continue
        for joint in gripper_joints(subject.dataset.info.state_names):
            spread = float(np.ptp(track.state[:, joint]))
            if spread < _INERT_PERCENT:
                yield Evidence(
                    f"the gripper does not move in: {task}",
                    episode=track.episode,
                    column=subject.columns(STATE)[joint],
                    value=round(spread, 4),
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
        for joint in np.flatnonzero(moving):
            limit = _FOLLOWS["gripper" if "gripper" in names[joint] else "body"]
            follows = float(np.corrcoef(state[:, joint], action[:, joint])[0, 1])
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


def _as_recorded(names: Sequence[str]) -> bool:
    """Return whether an SO arm's joints have the names of an era, from the base to the gripper."""
    bare = (*BODY_JOINTS, GRIPPER)
    return tuple(names) in {
        tuple(f"{joint}{JOINT_SUFFIX}" for joint in bare),
        tuple(f"{LEGACY_PREFIX}{joint}" for joint in bare),
    }


def _paired(subject: Subject) -> tuple[Track, ...]:
    """Return the tracks when states and actions are of the same joints, long enough to compare."""
    info = subject.dataset.info
    if info.state_names != info.action_names:
        return ()
    return tuple(track for track in subject.tracks if len(track.frame) > subject.lead + 3)


def _beyond(
    track: Track, values: Series, limits: tuple[Series, Series], columns: list[str]
) -> Iterator[Evidence]:
    outside = (values < limits[0]) | (values > limits[1])
    for joint in np.flatnonzero(outside.any(axis=0)):
        frame = int(np.argmax(outside[:, joint]))
        yield Evidence(
            f"{int(outside[:, joint].sum())} values beyond what the joint reaches",
            episode=track.episode,
            frame=int(track.frame[frame]),
            column=columns[joint],
            value=round(float(values[frame, joint]), 3),
        )


def _spread(values: Series) -> Series:
    low, high = np.quantile(values, (0.05, 0.95), axis=0)
    return np.asarray(high - low)


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
