"""Frames that were repeated, dropped or put in another order, cuts and leaps, told from the motion.

What moves does not stop dead for a frame and go on, turn back and forth from frame to frame, or leap. A
missing frame in motion that is itself uneven cannot be told this way; where the file keeps the times of
its frames, `timing` finds it. The thresholds give no false alarm on the 150 videos of a lab experiment,
240 px at 30 frames/s.
"""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from fedarm.video.findings import Finding, stretches
from fedarm.video.quality import is_black
from fedarm.video.signals import Series, Signals

# The average pixel moves by more than this share of the width in a second: an arm at work.
_MOVING_WIDTHS_PER_S = 0.02
# Difference in luma of a repeated frame over that of the moving pairs on both sides: up to 0.04 after
# h264, and down to 0.1 where an arm that is commanded at 10 Hz waits for one command.
_REPEATED_SHARE = 0.05
# So many repeats, alike and in step, are another frame rate.
_OTHER_RATE_REPEATS = 4
# Cosine of flows that turn back.
_REVERSED = -0.7
# Of two frames in the wrong order: shifts on both sides over the one that turns back, and that one over
# the shifts beyond.
_BESIDE_RATIO = 1.25
_FURTHER_SHARE = 0.6
# Change over 4 frames and from one frame to the next, both averaged over a window: 1.8 times and more
# in motion, 1 in a shuffled video; and the least change of a frame that counts.
_ORDER_WINDOW = 12
_ORDER_RATIO = 1.35
_ORDER_CHANGE_LUMA = 0.3
# A cut changes more of the picture than this; in the lab, motion changes up to 0.19.
_CUT_SHARE = 0.4
# A leap over the longest of the pairs around it, in the flow or in the picture; up to 3.0 in the lab,
# where another predicted path is drawn in.
# Less is enough where the pairs around are alike. The least change around that counts.
_LEAP_RATIO = 3.6
_LEAP_CHANGE_LUMA = 0.3
_STEADY_LEAP_RATIO = 1.7
_STEADY_SPREAD = 1.2
_AROUND = 3
# Cosine of flows that go on.
_SAME_WAY = 0.5

Flags = NDArray[np.bool_]


def continuity_findings(signals: Signals, fps: float) -> list[Finding]:
    """Return what breaks the motion, each place once.

    Args:
        signals: Series of the frames; of a filmed episode only those before its end.
        fps: Frames a second.
    """
    if len(signals.shift_px) < 2:
        return []
    moving = signals.shift_px > _MOVING_WIDTHS_PER_S * signals.width_px / fps
    black = is_black(signals.luma)
    sudden = _sudden(signals, moving) & ~(black[:-1] | black[1:])
    onwards = np.minimum(signals.agreement, _shifted(signals.agreement, -1)) > _SAME_WAY
    # Where the camera moves, every frame changes most of the picture, and so does a missing one.
    cut = sudden & (signals.changed_share >= _CUT_SHARE) & ~onwards
    shuffled = _turned_back(signals, moving & ~sudden) | _out_of_order(signals, sudden)
    leaps = sudden & ~cut & ~shuffled
    return [
        *_repeated(signals.difference, moving),
        *(
            Finding("cut", "another picture from here on", first_frame=pair + 1, frames=1)
            for pair in np.flatnonzero(cut).tolist()
        ),
        *(
            Finding("shuffled", "motion turns back and forth", first_frame=first, frames=length + 1)
            for first, length in stretches(shuffled)
        ),
        *(_leap(signals, int(pair)) for pair in np.flatnonzero(leaps)),
    ]


def _repeated(difference: Series, moving: Flags) -> list[Finding]:
    found: list[tuple[int, int]] = []
    for first, length in stretches(~moving):
        last = first + length
        if first == 0 or last == len(difference):
            # Before the first motion and after the last one a scene may well be still.
            continue
        around = min(difference[first - 1], difference[last])
        if difference[first:last].max() <= _REPEATED_SHARE * around:
            found.append((first, length))
    if _is_other_rate(found):
        return []
    return [
        Finding(
            "repeated",
            f"frame {first} is repeated {length} times while everything moves",
            first_frame=first + 1,
            frames=length,
        )
        for first, length in found
    ]


def _is_other_rate(repeats: list[tuple[int, int]]) -> bool:
    """Return whether all repeats are alike and follow each other: a recording at a lower rate.

    Ten frames a second shown at thirty are no defect: every frame comes three times.
    """
    if len(repeats) < _OTHER_RATE_REPEATS or len({length for _, length in repeats}) > 1:
        return False
    period = repeats[0][1] + 1
    distances = np.diff([first for first, _ in repeats])
    return bool((distances % period == 0).all() and np.median(distances) == period)


def _turned_back(signals: Signals, moving: Flags) -> Flags:
    """Return the pairs whose motion is against that of the pairs before and after.

    Of frames 1 3 2 4 the motion is two steps on, one back and two on. An arm that comes to rest swings
    back as well, but not between two longer motions, and not as far as it moved before and after.
    """
    shift = signals.shift_px
    turned = (signals.agreement < _REVERSED) & moving & _shifted(moving, 1)
    twice = turned & _shifted(turned, -1)
    beside = np.minimum(_shifted(shift, 1), _shifted(shift, -1))
    further = np.minimum(_shifted(shift, 2), _shifted(shift, -2))
    swapped = twice & (beside >= _BESIDE_RATIO * shift) & (shift >= _FURTHER_SHARE * further)
    # Three turns in a row: no arm does that.
    found = swapped | (twice & _shifted(twice, -1))
    return found | _shifted(found, 1) | _shifted(found, -1)


def _out_of_order(signals: Signals, sudden: Flags) -> Flags:
    """Return the pairs in windows where a few frames on look no more different than the next one.

    Frames that are far apart in time follow each other there, and the flow finds no way between them.
    """
    found = np.zeros(len(signals.change), dtype=bool)
    if len(signals.long_change) < _ORDER_WINDOW:
        return found
    used = len(signals.long_change)
    change, long_change, agreement, broken = (
        sliding_window_view(series[:used], _ORDER_WINDOW).mean(axis=1)
        for series in (signals.change, signals.long_change, signals.agreement, sudden)
    )
    confused = (change > _ORDER_CHANGE_LUMA) & (agreement < _SAME_WAY) & (broken == 0)
    for first in np.flatnonzero(confused & (long_change < _ORDER_RATIO * change)):
        found[first : first + _ORDER_WINDOW] = True
    return found


def _sudden(signals: Signals, moving: Flags) -> Flags:
    """Return the pairs between which much more happens than in the pairs around."""
    longest, shortest = _largest_around(signals.shift_px), -_largest_around(-signals.shift_px)
    steady = (longest <= _STEADY_SPREAD * shortest) & _shifted(moving, 1) & _shifted(moving, -1)
    ratio = np.where(steady, _STEADY_LEAP_RATIO, _LEAP_RATIO)
    further = moving & (signals.shift_px > ratio * longest)
    floor = np.maximum(_largest_around(signals.change), _LEAP_CHANGE_LUMA)
    other = signals.change > _LEAP_RATIO * floor
    return np.asarray(further & _shifted(moving, 1) & _shifted(moving, -1)) | other


def _leap(signals: Signals, pair: int) -> Finding:
    """Say whether a leap looks like missing frames: the motion is the same before, in it and after."""
    beside = signals.shift_px[[max(pair - 1, 0), min(pair + 1, len(signals.shift_px) - 1)]]
    times = signals.shift_px[pair] / max(float(beside.mean()), 1e-6)
    onwards = signals.agreement[pair : pair + 2].min() > _SAME_WAY
    if onwards and times > _STEADY_LEAP_RATIO:
        missing = max(round(times) - 1, 1)
        message = f"motion goes on {times:.1f} times as far: about {missing} frames are missing"
        return Finding("dropped", message, first_frame=pair + 1, frames=missing)
    message = "the picture leaps"
    return Finding("jump", message, first_frame=pair + 1, frames=1)


def _largest_around(series: Series) -> Series:
    """Return for each place the largest value of those within `_AROUND` of it, itself left out."""
    padded = np.pad(series, _AROUND, constant_values=-np.inf)
    windows = sliding_window_view(padded, 2 * _AROUND + 1)
    return np.asarray(np.delete(windows, _AROUND, axis=1).max(axis=1))


def _shifted[S: np.generic](series: NDArray[S], places: int) -> NDArray[S]:
    """Return for each place the value that many places before it; nothing (0) beyond the ends."""
    moved = np.zeros_like(series)
    if places > 0:
        moved[places:] = series[:-places]
    else:
        moved[:places] = series[-places:]
    return moved
