"""Checks of how the joints move: spikes, jumps, stalls, freezes, roughness."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from fedarm.data.checks.finding import Evidence, check
from fedarm.data.checks.series import (
    Series,
    body_joints,
    gripper_joints,
    quantile,
    reversals,
    runs_of,
    tracking_residual,
)
from fedarm.data.checks.subject import Subject, Track
from fedarm.data.info import ACTION, STATE

# Degrees. A spike or jump is measured against what the same joint does in the rest of the set, and is
# never smaller than what an arm of this class does between two frames at 10 frames/s.
_SPIKE_DEGREES = 10.0
_JUMP_DEGREES = 8.0
# A gripper snaps shut: percent between two frames, and times what it does otherwise.
_SNAP_PERCENT, _SNAP_TIMES_USUAL = 20.0, 2.0
_TIMES_USUAL = 3.0
_PLAIN_TIMES_USUAL = 1.6
# Amplitude in degrees and share of the frames from which fluctuation is noise, not movement.
_ROUGH_DEGREES = 0.5
_ROUGH_SHARE = 0.25
_STILL_DEGREES = 1.5
_STALL_S, _STALL_SHARE_S, _STALL_SHARE = 2.0, 1.5, 0.3
_FREEZE_S = 0.3
_FREEZE_PATH_DEGREES = 5.0
_CHATTER_PERCENT = 5.0
_CHATTER_PER_S = 4


@check(
    "jitter",
    severity="warning",
    measures="single frames in which a joint sticks out from both neighbours",
    remedy="encoder or bus noise: check the cable, drop these episodes (hotfix drop_episodes)",
    same_as=("lerobot-lint JITTER", "lerobot-doctor actions", "lerobot-doctor statistics"),
)
def find_jitter(subject: Subject) -> Iterator[Evidence]:
    """Find spikes of one frame, in the states or the actions."""
    for key, series in _both(subject):
        plain = [reversals(values) for values in series]
        limit = np.maximum(_SPIKE_DEGREES, _TIMES_USUAL * _usual(plain))
        for track, spikes in zip(subject.tracks, plain, strict=True):
            for frame, joint in np.argwhere(spikes > limit):
                yield Evidence(
                    "the joint leaves for one frame and comes back",
                    episode=track.episode,
                    frame=int(track.frame[frame + 1]),
                    column=subject.columns(key)[joint],
                    value=_round(spikes[frame, joint]),
                )


@check(
    "discontinuity",
    severity="error",
    measures="jumps of a joint between two frames, and what it does without being told to",
    remedy="an encoder that wrapped or frames that were cut: drop these episodes (hotfix drop_episodes)",
    same_as=("lerobot-lint DISCONTINUITY", "lerobot-doctor actions"),
)
def find_discontinuity(subject: Subject) -> Iterator[Evidence]:
    """Find jumps that the action does not explain, and jumps far beyond the joint's usual step."""
    lead, names = subject.lead, subject.dataset.info.state_names
    least = np.full(len(names), _JUMP_DEGREES)
    times = np.full(len(names), _PLAIN_TIMES_USUAL)
    grippers = gripper_joints(names)
    least[grippers], times[grippers] = _SNAP_PERCENT, _SNAP_TIMES_USUAL
    steps = [np.abs(np.diff(track.state, axis=0)) for track in subject.tracks]
    comparable = _comparable(subject)
    surprises = [
        np.abs(np.diff(tracking_residual(track, lead), axis=0)) if comparable else step[lead:]
        for track, step in zip(subject.tracks, steps, strict=True)
    ]
    usual, usual_surprise = _usual(steps), _usual(surprises)
    for track, step, surprise in zip(subject.tracks, steps, surprises, strict=True):
        unexplained = np.zeros_like(step, dtype=bool)
        if comparable:
            unexplained[lead:] = surprise > np.maximum(least, _TIMES_USUAL * usual_surprise)
            unexplained &= step > least
        far = (step > np.maximum(least, times * usual)) & _alone(step)
        # A gripper often lags behind its command: only what stands out by far.
        unexplained[:, grippers] = False
        jumps = (unexplained | far) & ~_part_of_spike(track.state)
        for frame, joint in np.argwhere(jumps):
            yield Evidence(
                "the joint jumps between two frames",
                episode=track.episode,
                frame=int(track.frame[frame + 1]),
                column=subject.columns(STATE)[joint],
                value=_round(step[frame, joint]),
            )


@check(
    "jerk_smoothness",
    severity="warning",
    measures=f"joints that shake by over {_ROUGH_DEGREES} degrees in over {_ROUGH_SHARE:.0%} of frames",
    remedy="noise in the readings or a shaking arm: record again or drop these episodes "
    "(hotfix drop_episodes)",
    same_as=(
        "deepen-grade episode_quality.jerk_smoothness",
        "deepen-grade cross.trajectory_consistency",
    ),
)
def find_jerk(subject: Subject) -> Iterator[Evidence]:
    """Find joints that shake around the course that they are told to follow."""
    if not _comparable(subject):
        return
    body = body_joints(subject.dataset.info.state_names)
    for track in subject.tracks:
        shaking = reversals(tracking_residual(track, subject.lead)) > _ROUGH_DEGREES
        share = shaking.mean(axis=0) if len(shaking) else np.zeros(shaking.shape[1])
        for joint in body[share[body] > _ROUGH_SHARE]:
            yield Evidence(
                "the joint shakes around its course",
                episode=track.episode,
                frame=int(track.frame[subject.lead + 1 + int(np.argmax(shaking[:, joint]))]),
                column=subject.columns(STATE)[joint],
                value=_round(share[joint]),
            )


@check(
    "frozen_state",
    severity="error",
    measures=f"states that stay the same to the bit for over {_FREEZE_S} s while the arm is moved",
    remedy="the recorder or the bus hung: drop these episodes (hotfix drop_episodes)",
    same_as=("lerobot-lint FROZEN_STATE", "lerobot-doctor actions", "lerobot-doctor anomalies"),
)
def find_frozen_state(subject: Subject) -> Iterator[Evidence]:
    """Find runs of identical states or actions that the other, or a jump at the end, belies."""
    shortest = max(round(_FREEZE_S * subject.dataset.info.fps), 3)
    for key, frozen, moving in (
        (STATE, [t.state for t in subject.tracks], [t.action for t in subject.tracks]),
        (ACTION, [t.action for t in subject.tracks], [t.state for t in subject.tracks]),
    ):
        for track, still, other in zip(subject.tracks, frozen, moving, strict=True):
            same = np.all(np.diff(still, axis=0) == 0, axis=1)
            for begin, end in runs_of(same):
                if end - begin < shortest - 1 or not _belied(
                    still, other, (begin, end), lead=subject.lead
                ):
                    continue
                yield Evidence(
                    f"the same values in {end - begin + 1} frames while the arm moves",
                    episode=track.episode,
                    frame=int(track.frame[begin]),
                    column=key,
                    value=end - begin + 1,
                )


@check(
    "idle_stall",
    severity="warning",
    measures=f"stretches of {_STALL_S:g} s and more in which nothing moves",
    remedy="cut the pause or drop these episodes (hotfix drop_episodes): a policy learns to wait",
    same_as=("deepen-grade episode_quality.idle_stall", "lerobot-doctor actions"),
)
def find_idle_stall(subject: Subject) -> Iterator[Evidence]:
    """Find stretches in which no joint moves and none is told to."""
    fps = subject.dataset.info.fps
    for track in subject.tracks:
        for begin, end in runs_of(_still(track, window=max(round(0.5 * fps), 3))):
            seconds = (end - begin) / fps
            share = (end - begin) / len(track.frame)
            if seconds >= _STALL_S or (share >= _STALL_SHARE and seconds >= _STALL_SHARE_S):
                yield Evidence(
                    f"nothing moves for {seconds:.1f} s",
                    episode=track.episode,
                    frame=int(track.frame[begin]),
                    column=STATE,
                    value=_round(seconds),
                )


@check(
    "gripper_chatter",
    severity="warning",
    measures=f"grippers that open and close {_CHATTER_PER_S} times a second and more",
    remedy="a loose leader gripper or noise: record again or drop these episodes (hotfix drop_episodes)",
    same_as=("deepen-grade episode_quality.gripper_chatter",),
)
def find_gripper_chatter(subject: Subject) -> Iterator[Evidence]:
    """Find bursts in which a gripper turns around again and again."""
    window = max(round(subject.dataset.info.fps), 2)
    for key, series in _both(subject):
        for track, values in zip(subject.tracks, series, strict=True):
            for joint in gripper_joints(subject.dataset.info.state_names):
                turns = _turning_points(values[:, joint], _CHATTER_PERCENT)
                for first, last in zip(turns, turns[_CHATTER_PER_S - 1 :], strict=False):
                    if last - first < window:
                        yield Evidence(
                            f"the gripper turns around {_CHATTER_PER_S} times within a second",
                            episode=track.episode,
                            frame=int(track.frame[first]),
                            column=subject.columns(key)[joint],
                            value=_CHATTER_PER_S,
                        )
                        break


def _both(subject: Subject) -> Iterator[tuple[str, list[Series]]]:
    yield STATE, [track.state for track in subject.tracks]
    if _comparable(subject):
        yield ACTION, [track.action for track in subject.tracks]


def _comparable(subject: Subject) -> bool:
    info = subject.dataset.info
    return info.state_names == info.action_names


def _usual(parts: list[Series]) -> Series:
    """Return each joint's large but usual value: the third largest of the episodes' 98th percentiles.

    Not the largest: a damaged episode must not raise the bar for itself.
    """
    tops = np.array([quantile(part, 0.98) for part in parts if len(part)])
    if not len(tops):
        return np.zeros(1)
    return np.asarray(np.sort(tops, axis=0)[-min(3, (len(tops) + 1) // 2)], np.float64)


def _alone(step: Series) -> NDArray[np.bool_]:
    """Return where a step is far larger than the one before and the one after."""
    padded = np.pad(step, ((1, 1), (0, 0)))
    return np.asarray(step > 2.5 * np.maximum(padded[:-2], padded[2:]))


def _part_of_spike(values: Series) -> NDArray[np.bool_]:
    """Return `(frame - 1, joint)`, steps into or out of a spike of one frame."""
    spike = reversals(values) > _JUMP_DEGREES
    out = np.zeros((len(values) - 1, values.shape[1]), bool)
    out[:-1] |= spike
    out[1:] |= spike
    return out


def _belied(still: Series, other: Series, run: tuple[int, int], *, lead: int) -> bool:
    """Return whether a freeze cannot be a pause: the other moves, or it ends in a jump."""
    begin, end = run
    settled = min(begin + lead + 1, end)
    path = np.abs(np.diff(other[settled : end + 1], axis=0)).sum(axis=0)
    if path.size and path.max() > _FREEZE_PATH_DEGREES and other.shape == still.shape:
        return True
    steps = np.abs(np.diff(still, axis=0)).max(axis=1)
    moving = steps[steps > 0]
    jump = steps[end] if end < len(steps) else 0.0
    # Where a pause ends, the arm speeds up; where a hung recorder goes on, it is somewhere else.
    return bool(jump > max(2.5 * np.median(moving), _FREEZE_PATH_DEGREES)) if len(moving) else False


def _still(track: Track, *, window: int) -> NDArray[np.bool_]:
    """Return the frames around which no joint of state and action leaves a narrow band."""
    values = np.hstack([track.state, track.action])
    if len(values) < window:
        return np.zeros(len(values), bool)
    windows = np.lib.stride_tricks.sliding_window_view(values, window, axis=0)
    still = np.ptp(windows, axis=-1).max(axis=1) < _STILL_DEGREES
    # A frame is still when a window that covers it is.
    out = np.zeros(len(values), bool)
    for offset in range(window):
        out[offset : offset + len(still)] |= still
    return out


def _turning_points(values: Series, amplitude: float) -> list[int]:
    """Return where a series turns around by at least an amplitude (a zigzag with hysteresis)."""
    turns: list[int] = []
    extreme, direction = 0, 0
    for index in range(1, len(values)):
        moved = values[index] - values[extreme]
        if direction * moved > 0 or (direction == 0 and abs(moved) >= amplitude):
            direction, extreme = (1 if moved > 0 else -1), index
        elif direction and abs(moved) >= amplitude:
            turns.append(extreme)
            direction, extreme = -direction, index
    return turns


def _round(value: float) -> float:
    return round(float(value), 3)
