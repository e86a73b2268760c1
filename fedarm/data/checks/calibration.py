"""Checks of which calibration era the joints are from, and whether it is one."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from fedarm.data.calibration import base_name, declared_era, detect_era, is_so_arm
from fedarm.data.checks.finding import Evidence, check
from fedarm.data.checks.series import Series
from fedarm.data.checks.subject import Subject
from fedarm.data.info import STATE

# With shoulder lift and elbow counted from today's zeros, the forearm points straight down when they
# add up to 90; beyond this sum with the shoulder forward, it would stand in the table. Counted from the
# legacy zeros, the sum is 180 plus the difference of today's, far above.
_IMPOSSIBLE_SUM, _FORWARD = 110.0, 40.0
_ENOUGH_EPISODES = 3
_FAR_DEGREES = 30.0
_NEARER = 0.6


@check(
    "calibration_era",
    severity="error",
    measures="the era of the joints' zeros and units: legacy ones, several in one set, a wrong claim",
    remedy="convert the joints (hotfix convert_era)",
)
def find_calibration_era(subject: Subject) -> Iterator[Evidence]:
    """Find sets of the legacy era, sets that say another era than theirs, and episodes of another."""
    info = subject.dataset.info
    if not is_so_arm(info.state_names) or not subject.tracks:
        return
    names = [base_name(name) for name in info.state_names]
    lift, elbow = names.index("shoulder_lift"), names.index("elbow_flex")
    values = np.concatenate([track.state for track in subject.tracks])
    declared = declared_era(subject.raw_info, info.state_names)
    guess = detect_era(info.state_names, values)
    if guess.era == "legacy_degrees" and guess.confident:
        yield Evidence(guess.reason, column=STATE, value="legacy_degrees")
        return
    if declared is not None and guess.confident and guess.era != declared:
        yield Evidence(f"meta/info.json says {declared}, but {guess.reason}", column=STATE)
    medians = np.array([np.median(track.state, axis=0) for track in subject.tracks])
    legacy = _is_legacy_pose(medians[:, lift], medians[:, elbow])
    if declared != "legacy_degrees" and legacy.all():
        yield Evidence(
            "shoulder and elbow stand where only the legacy zeros put them",
            column=STATE,
            value="legacy_degrees",
        )
        return
    for position in np.flatnonzero(legacy | _stands_apart(medians[:, [lift, elbow]])):
        yield Evidence(
            "the episode's zeros are not those of the other episodes",
            episode=subject.tracks[position].episode,
            column=STATE,
            value=round(float(medians[position, lift]), 2),
        )


@check(
    "calibration_units",
    severity="warning",
    measures="joints in shares of their calibrated range, which is not part of the dataset",
    remedy="fine among clients that all record so; otherwise convert to degrees (hotfix convert_era,"
    " with `ranges` from the arm's calibration file)",
)
def find_calibration_units(subject: Subject) -> Iterator[Evidence]:
    """Find sets in [-100, 100]: what pose a number stands for differs from arm to arm."""
    names = subject.dataset.info.state_names
    if not is_so_arm(names) or not subject.tracks:
        return
    if declared_era(subject.raw_info, names) == "normalized":
        yield Evidence("meta/info.json says so", column=STATE, value="normalized")
        return
    guess = detect_era(names, np.concatenate([track.state for track in subject.tracks]))
    if guess.era == "normalized" and guess.confident:
        yield Evidence(guess.reason, column=STATE, value="normalized")


def _is_legacy_pose(lift: Series, elbow: Series) -> np.ndarray:  # type: ignore[type-arg]
    return np.asarray((lift + elbow > _IMPOSSIBLE_SUM) & (lift > _FORWARD))


def _stands_apart(poses: Series) -> np.ndarray:  # type: ignore[type-arg]
    """Return the episodes `(episode,)` that lie far from the middle and come near it when converted.

    Args:
        poses: `(episode, 2)`, medians of shoulder lift and elbow.
    """
    if len(poses) < _ENOUGH_EPISODES:
        return np.zeros(len(poses), bool)
    middle = np.median(poses, axis=0)
    today = np.stack([90.0 - poses[:, 0], poses[:, 1] - 90.0], axis=1)
    legacy = np.stack([90.0 - poses[:, 0], poses[:, 1] + 90.0], axis=1)
    apart = np.linalg.norm(poses - middle, axis=1)
    converted = np.minimum(
        np.linalg.norm(today - middle, axis=1), np.linalg.norm(legacy - middle, axis=1)
    )
    return np.asarray((apart > _FAR_DEGREES) & (converted < (1 - _NEARER) * apart))
