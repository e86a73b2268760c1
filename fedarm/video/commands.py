"""The commands that an arm was given while it was filmed, as a video's record has them.

"actions": {
    "rate_hz": 10,                          commands a second, the first with the video's first frame
    "names": ["shoulder_pan.pos", ...],     optional; one named `gripper...` does not count as moving
    "values": [[...], ...]                  (step, joint), positions in any unit
}
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.signal import butter, sosfiltfilt

from fedarm.errors import VideoError
from fedarm.video.findings import Finding, stretches
from fedarm.video.smoothness import ldlj

# Arms are moved on purpose at up to 2 Hz; what is faster is the policy's noise.
_FILTER_HZ = 2.0
_FILTER_ORDER = 2
# `sosfiltfilt` pads both ends by this many samples, and wants one more.
_FILTER_PAD = 9

# Frozen: for as long as this nothing moves in the picture, though the commands move at this share of
# their usual speed on average.
_FROZEN_S = 0.5
_COMMANDED_SHARE = 0.25
# An arm follows its commands late: they count up to so long before the stretch ends.
_LAG_S = 0.2

Joints = NDArray[np.float64]


@dataclass(frozen=True)
class Commands:
    """Commanded positions.

    Attributes:
        values: `(step, joint)`, in any unit.
        rate_hz: Commands a second.
        arm: `(joint,)`: which are joints of the arm, that is, not of the gripper.
    """

    values: Joints
    rate_hz: float
    arm: NDArray[np.bool_]

    def speed_at(self, time_s: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return how fast the arm's commands move at some times, each joint in its own range."""
        spans = np.ptp(self.values, axis=0)
        joints = self.arm & (spans > 0)
        if not joints.any() or len(self.values) < 2:
            return np.zeros(len(time_s))
        steps = np.diff(self.values[:, joints] / spans[joints], axis=0)
        speed = np.linalg.norm(steps, axis=1) * self.rate_hz
        step = np.clip((time_s * self.rate_hz).astype(np.int64), 0, len(speed) - 1)
        return np.asarray(np.where(time_s < len(self.values) / self.rate_hz, speed[step], 0.0))


def parse_commands(section: Any) -> Commands:
    """Return the commands that a record describes.

    Raises:
        VideoError: A key is missing, or a value makes no sense.
    """
    remedy = 'give {"rate_hz": 10, "values": [[joint, ...], ...]}, or leave `actions` out'
    if not isinstance(section, Mapping):
        raise VideoError("the actions must be an object", key="actions", remedy=remedy)
    rate_hz, names = section.get("rate_hz"), section.get("names")
    if not isinstance(rate_hz, int | float) or not 0 < rate_hz < float("inf"):
        raise VideoError(
            "the rate must be a positive number",
            key="actions.rate_hz",
            value=rate_hz,
            remedy=remedy,
        )
    try:
        values = np.array(section.get("values"), dtype=np.float64)
    except (TypeError, ValueError):
        values = np.empty(0)
    if values.ndim != 2 or not values.size or not np.all(np.isfinite(values)):
        raise VideoError(
            "the values must be as many numbers for each step", key="actions.values", remedy=remedy
        )
    if names is None:
        names = [""] * values.shape[1]
    if not isinstance(names, list) or len(names) != values.shape[1]:
        raise VideoError("one name a joint", key="actions.names", value=names, remedy=remedy)
    arm = np.array([not str(name).startswith("gripper") for name in names])
    return Commands(values, float(rate_hz), arm)


def commanded_ldlj(commands: Commands) -> float | None:
    """Return the log dimensionless jerk of the filtered commands, each joint in its own range."""
    spans = np.ptp(commands.values, axis=0)
    values = commands.values[:, spans > 0] / spans[spans > 0]
    if len(values) <= _FILTER_PAD or not values.size:
        return None
    cutoff_hz = min(_FILTER_HZ, commands.rate_hz / 5)
    sections = butter(_FILTER_ORDER, cutoff_hz, fs=commands.rate_hz, output="sos")
    smooth = sosfiltfilt(sections, values, axis=0, padlen=_FILTER_PAD)
    return ldlj(np.diff(smooth, axis=0) * commands.rate_hz, commands.rate_hz)


def frozen_findings(
    commands: Commands, time_s: NDArray[np.float64], idle: NDArray[np.bool_]
) -> list[Finding]:
    """Return the stretches in which commands move the arm, and nothing moves in the picture.

    Args:
        commands: What the arm was told.
        time_s: `(pair,)`: when each pair of neighbouring frames begins.
        idle: `(pair,)`: whether next to nothing moves from one frame to the next.
    """
    speed = commands.speed_at(time_s)
    if not speed.any():
        return []
    usual = float(np.median(speed[speed > 0]))
    found = []
    for first, length in stretches(idle):
        within = slice(first, first + length)
        times = time_s[within]
        counted = speed[within][times <= times[-1] - _LAG_S]
        if times[-1] - times[0] < _FROZEN_S or counted.mean() < _COMMANDED_SHARE * usual:
            continue
        message = f"frozen for {times[-1] - times[0]:.1f} s while commands move the arm"
        found.append(Finding("frozen", message, first_frame=first + 1, frames=length))
    return found
