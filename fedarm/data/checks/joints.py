"""Checks of single joints as they stand: names, units, range, and whether they move at all."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from fedarm.data.calibration import BODY_JOINTS, GRIPPER, JOINT_SUFFIX, LEGACY_PREFIX, is_so_arm
from fedarm.data.checks.finding import Evidence, check
from fedarm.data.checks.series import Series, body_joints, gripper_joints
from fedarm.data.checks.subject import Subject, Track
from fedarm.data.info import ACTION, STATE

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
    limits = np.full(len(names), -_BODY_LIMIT), np.full(len(names), _BODY_LIMIT)
    for limit, value in zip(limits, _GRIPPER_LIMITS, strict=True):
        limit[gripper] = value
    for key in (STATE, ACTION):
        columns = subject.columns(key)
        for track in subject.tracks:
            values = track.state if key == STATE else track.action
            yield from _beyond(track, values, limits, columns)
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


def _as_recorded(names: Sequence[str]) -> bool:
    """Return whether an SO arm's joints have the names of an era, from the base to the gripper."""
    bare = (*BODY_JOINTS, GRIPPER)
    return tuple(names) in {
        tuple(f"{joint}{JOINT_SUFFIX}" for joint in bare),
        tuple(f"{LEGACY_PREFIX}{joint}" for joint in bare),
    }


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
