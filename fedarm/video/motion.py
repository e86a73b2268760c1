"""How much moves in a video."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fedarm.video.signals import Series, Signals
from fedarm.video.timing import Timing

# A pair of frames is idle when the average pixel moves by less than this share of the picture's width
# in a second. In the lab at 240 px, after h264, that is 0.6 px/s: a still arm measures up to 0.4 (what
# compression moves), an arm at work 18 to 60 in the middle, and waiting for the gripper to shut 0.5.
IDLE_WIDTHS_PER_S = 0.0025


@dataclass(frozen=True)
class Motion:
    """The movement in a clip.

    Attributes:
        time_s: `(pair,)`: when the first of two neighbouring frames is shown.
        speed_px_per_s: `(pair,)`: length of the flow, averaged over the pixels.
        idle: `(pair,)`: whether next to nothing moves.
        path_length_px: How far the average pixel has travelled.
    """

    time_s: Series
    speed_px_per_s: Series
    idle: NDArray[np.bool_]
    path_length_px: float

    @property
    def idle_share(self) -> float:
        """Share of the pairs in which next to nothing moves; 1 for a single frame."""
        return float(np.mean(self.idle)) if len(self.idle) else 1.0

    def even_speed(self, rate_hz: float) -> Series:
        """Return the speed at even intervals, whatever the intervals between frames were."""
        steps = np.diff(self.time_s)
        if len(steps) < 1 or np.allclose(steps, 1 / rate_hz, rtol=1e-3):
            return self.speed_px_per_s
        times = np.arange(self.time_s[0], self.time_s[-1] + 0.5 / rate_hz, 1 / rate_hz)
        return np.interp(times, self.time_s, self.speed_px_per_s)


def measure_motion(signals: Signals, timing: Timing) -> Motion:
    """Return the movement between the frames of some signals.

    Args:
        signals: Series of the frames.
        timing: Times of at least these frames.
    """
    pairs = len(signals.shift_px)
    interval_s = timing.interval_s[:pairs]
    slow = IDLE_WIDTHS_PER_S * signals.width_px
    return Motion(
        time_s=timing.time_s[:pairs],
        speed_px_per_s=signals.shift_px / interval_s,
        idle=np.asarray(signals.shift_px / interval_s < slow),
        path_length_px=float(signals.shift_px.sum()),
    )
