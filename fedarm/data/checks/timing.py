"""Checks of the rows' times against the declared rate."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from fedarm.data.checks.finding import Evidence, check
from fedarm.data.checks.series import quantile, runs_of
from fedarm.data.checks.subject import Subject
from fedarm.data.info import STATE

# LeRobot's own tolerance (`tolerance_s` of its dataset class): beyond it, its reader raises.
TIMESTAMP_TOLERANCE_S = 1e-4
_GAP_PERIODS = 1.5
_RATE_TOLERANCE = 0.02
# Repeats in short runs at this share of the moving rows come from a clock that ran too fast.
_REPEAT_SHARE, _LONGEST_REPEAT, _ENOUGH_ROWS = 0.2, 4, 8
# No servo of this class turns faster, degrees/s.
_FASTEST = 450.0


@check(
    "timestamps",
    severity="error",
    measures=f"whether timestamps rise by 1/fps from 0, within {TIMESTAMP_TOLERANCE_S} s",
    remedy="rewrite the timestamps (hotfix restamp_timestamps), or correct_fps when the rate is wrong",
    same_as=(
        "lerobot-lint TIMESTAMP_NON_MONOTONIC",
        "lerobot-doctor temporal",
        "lerobot-quality-gates episodes",
    ),
)
def find_timestamps(subject: Subject) -> Iterator[Evidence]:
    """Find episodes that do not begin at 0, and steps in time that are not one frame long."""
    dataset = subject.dataset
    if not len(dataset.timestamp):
        return
    period_s = 1.0 / dataset.info.fps
    same_episode = np.diff(dataset.episode_index) == 0
    steps_s = np.diff(dataset.timestamp)
    wrong = same_episode & ~(np.abs(steps_s - period_s) <= TIMESTAMP_TOLERANCE_S)
    late = np.append(True, ~same_episode) & (np.abs(dataset.timestamp) > TIMESTAMP_TOLERANCE_S)
    drift = np.abs(dataset.timestamp - dataset.frame_index * period_s) > TIMESTAMP_TOLERANCE_S
    for row in np.flatnonzero(np.append(False, wrong) | (late & drift)):
        if late[row]:
            value, kind = float(dataset.timestamp[row]), "does not begin at 0"
        else:
            value = float(steps_s[row - 1])
            rises = f"rises by {value:.6g} s, not {period_s:.6g}"
            kind = rises if value > 0 else "does not rise"
        yield Evidence(
            f"the timestamp {kind}",
            episode=int(dataset.episode_index[row]),
            frame=int(dataset.frame_index[row]),
            column="timestamp",
            value=value,
        )


@check(
    "frame_drops",
    severity="error",
    measures=f"gaps of over {_GAP_PERIODS:g} frames between timestamps",
    remedy="frames were lost while recording: drop these episodes (hotfix drop_episodes)",
    same_as=(
        "lerobot-lint FRAME_DROPS",
        "lerobot-doctor temporal",
        "deepen-grade hygiene.topic_frequency",
    ),
)
def find_frame_drops(subject: Subject) -> Iterator[Evidence]:
    """Find gaps that are longer than the episodes' usual step, so that a wrong fps is no gap."""
    dataset = subject.dataset
    same_episode = np.diff(dataset.episode_index) == 0
    steps_s = np.diff(dataset.timestamp)
    if not same_episode.any():
        return
    usual_s = max(1.0 / dataset.info.fps, float(np.median(steps_s[same_episode])))
    for row in np.flatnonzero(same_episode & (steps_s > _GAP_PERIODS * usual_s)) + 1:
        lost = round(float(steps_s[row - 1]) / usual_s) - 1
        yield Evidence(
            f"about {max(lost, 1)} frames are missing before this one",
            episode=int(dataset.episode_index[row]),
            frame=int(dataset.frame_index[row]),
            column="timestamp",
            value=float(steps_s[row - 1]),
        )


@check(
    "stamped_fps",
    severity="error",
    measures="the declared rate against timestamps, repeated rows and the arm's speed",
    remedy="declare the rate at which frames were recorded (hotfix correct_fps)",
    same_as=("lerobot-lint FPS_MISMATCH", "lerobot-doctor temporal"),
)
def find_stamped_fps(subject: Subject) -> Iterator[Evidence]:
    """Find a rate that the timestamps contradict, that rows were repeated to reach, or no arm could."""
    dataset = subject.dataset
    same_episode = np.diff(dataset.episode_index) == 0
    steps_s = np.diff(dataset.timestamp)[same_episode]
    steps_s = steps_s[steps_s > 0]
    if len(steps_s):
        measured = 1.0 / float(np.median(steps_s))
        if abs(measured - dataset.info.fps) > _RATE_TOLERANCE * dataset.info.fps:
            yield Evidence(
                f"timestamps rise at {measured:.4g} frames/s, declared are {dataset.info.fps:g}",
                column="fps",
                value=round(measured, 4),
            )
    for track in subject.tracks:
        same = np.all(np.diff(track.state, axis=0) == 0, axis=1)
        short = [(b, e) for b, e in runs_of(same) if e - b < _LONGEST_REPEAT]
        repeats = sum(end - begin for begin, end in short)
        longer = sum(end - begin for begin, end in runs_of(same)) - repeats
        rows = len(same) - longer
        if rows >= _ENOUGH_ROWS and repeats > _REPEAT_SHARE * rows:
            yield Evidence(
                f"{repeats} of {rows} moving rows repeat the one before",
                episode=track.episode,
                frame=int(track.frame[short[0][0] + 1]),
                column=STATE,
                value=repeats,
            )
    yield from _too_fast(subject)


def _too_fast(subject: Subject) -> Iterator[Evidence]:
    for track in subject.tracks:
        speed = np.abs(np.diff(track.state, axis=0)) * subject.dataset.info.fps
        typical = quantile(speed, 0.95)
        joint = int(np.argmax(typical))
        if typical[joint] > _FASTEST:
            yield Evidence(
                f"the joint moves at {typical[joint]:.0f} degrees/s: no servo of this class does",
                episode=track.episode,
                column=subject.columns(STATE)[joint],
                value=round(float(typical[joint]), 1),
            )
