"""What the times of a video's frames say: a constant rate, a variable one, or gaps."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fedarm.video.findings import Finding
from fedarm.video.signals import Series

# An interval is a whole number of frame times when it is within this share of one.
_TOLERANCE = 0.25
# With this share of the intervals at one frame time the rate is constant, and longer ones are gaps.
_REGULAR_SHARE = 0.75


@dataclass(frozen=True)
class Timing:
    """When frames are shown.

    Attributes:
        time_s: `(frame,)`, from 0.
        fps: Frames a second: the usual one where the rate is constant, else the average.
        constant: Whether the frames come at one rate, gaps aside.
        missing: `(pair,)`: frames that a gap between two frames leaves room for.
    """

    time_s: Series
    fps: float
    constant: bool
    missing: Series

    @property
    def interval_s(self) -> Series:
        """`(pair,)`: seconds between neighbouring frames."""
        return np.diff(self.time_s)

    @property
    def duration_s(self) -> float:
        """Seconds from the first frame to the end of the last, which is shown for one frame time."""
        return float(self.time_s[-1]) + 1 / self.fps


def read_timing(time_s: Series, declared_fps: float) -> Timing:
    """Judge the times of a video's frames.

    Args:
        time_s: `(frame,)`, as stored; nan where the file does not say.
        declared_fps: The average rate that the file declares.
    """
    count = len(time_s)
    regular = np.arange(count) / declared_fps
    intervals = np.diff(time_s)
    if count < 2 or not np.all(intervals > 0):
        return Timing(regular, declared_fps, True, np.zeros(max(count - 1, 0)))
    usual_s = float(np.median(intervals))
    steps = np.rint(intervals / usual_s)
    whole = np.abs(intervals / usual_s - steps) <= _TOLERANCE
    constant = bool(np.all(whole) and np.mean(steps == 1) >= _REGULAR_SHARE)
    if not constant:
        average = (count - 1) / float(time_s[-1] - time_s[0])
        return Timing(time_s - time_s[0], average, False, np.zeros(count - 1))
    # Clocks of containers tick in milliseconds or so: the true rate is that of all frames together.
    fps = float(steps.sum()) / float(time_s[-1] - time_s[0])
    times = np.r_[0.0, np.cumsum(steps)] / fps
    return Timing(times, fps, True, steps - 1)


def timing_findings(timing: Timing) -> list[Finding]:
    """Return what is wrong with the times of a video's frames."""
    if not timing.constant:
        shortest, longest = timing.interval_s.min(), timing.interval_s.max()
        message = (
            f"variable frame rate: {1e3 * shortest:.0f} to {1e3 * longest:.0f} ms between frames"
        )
        return [Finding("variable_rate", message)]
    return [
        Finding(
            "dropped",
            f"{int(timing.missing[pair])} frames are missing by the times of those around",
            first_frame=int(pair) + 1,
            frames=int(timing.missing[pair]),
        )
        for pair in np.flatnonzero(timing.missing)
    ]
