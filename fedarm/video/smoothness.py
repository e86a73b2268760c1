"""How smooth a movement is, from its speed profile or its velocities."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

# The three settings of the paper: zero padding, highest frequency of voluntary movement, and the
# share of the largest amplitude under which the spectrum counts as ended.
_PAD_LEVEL = 4
_CUTOFF_HZ = 10.0
_AMPLITUDE_SHARE = 0.05


def sparc(speed: NDArray[np.floating], rate_hz: float) -> float | None:
    """Return the spectral arc length of a speed profile: the nearer to 0, the smoother.

    It does not depend on the unit of speed, and hardly on noise, unlike measures that differentiate.
    A minimum-jerk reach gives -1.41; each further submovement adds to the arc.

    Args:
        speed: `(time,)`, in any unit.
        rate_hz: Samples a second.

    Returns:
        The (negative) arc length, or None when nothing moves or there are fewer than 4 samples.

    Source:
        Balasubramanian et al. 2015, On the analysis of movement smoothness, J NeuroEngineering Rehabil
        12:112, equations 11 and 12.
    """
    if len(speed) < 4 or not np.any(speed):
        return None
    bins = 2 ** (int(np.ceil(np.log2(len(speed)))) + _PAD_LEVEL)
    amplitude = np.abs(np.fft.rfft(speed, bins))
    amplitude /= amplitude.max()
    # `rfftfreq` ends at half the sampling rate: at 10 frames/s there is nothing up to 10 Hz to see.
    frequency_hz = np.fft.rfftfreq(bins, 1.0 / rate_hz)
    within = np.flatnonzero((frequency_hz <= _CUTOFF_HZ) & (amplitude >= _AMPLITUDE_SHARE))
    used = slice(within[0], within[-1] + 1)
    span_hz = frequency_hz[used][-1] - frequency_hz[used][0]
    if span_hz == 0:
        return None
    steps = np.diff(frequency_hz[used]) / span_hz
    return float(-np.sum(np.hypot(steps, np.diff(amplitude[used]))))


def ldlj(velocity: NDArray[np.floating], rate_hz: float) -> float | None:
    """Return the log dimensionless jerk of a movement: the nearer to 0, the smoother.

    It differentiates twice, so noise swamps it: filter first. It depends on the sampling rate as well;
    compare only movements of one rate. A minimum-jerk reach at 100 Hz gives -5.22.

    Args:
        velocity: `(time,)` or `(time, axis)`, in any unit.
        rate_hz: Samples a second.

    Returns:
        The (negative) logarithm, or None when nothing moves, nothing changes its speed, or there are
        fewer than 4 samples.

    Source:
        Balasubramanian et al. 2015, On the analysis of movement smoothness, J NeuroEngineering Rehabil
        12:112, equations 8 and 9; of several axes, the jerk is the length of its vector.
    """
    axes = np.asarray(velocity, np.float64).reshape(len(velocity), -1)
    if len(axes) < 4:
        return None
    peak_squared = float(np.square(axes).sum(axis=1).max())
    jerk = np.diff(axes, 2, axis=0) * rate_hz**2
    duration_s = len(axes) / rate_hz
    integral = float(np.square(jerk).sum()) / rate_hz
    if not peak_squared or not integral:
        return None
    return float(-np.log(duration_s**3 / peak_squared * integral))
