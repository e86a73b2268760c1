"""What one pass over a video's frames keeps of them: a few numbers a frame, whatever its size.

Pictures are reduced to at most 128 px first: most of the time goes into the flow, whose finest scale is
half of the picture, and a smaller picture also averages the noise of compression away.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]
Flow = NDArray[np.float32]
Cells = NDArray[np.float32]
Series = NDArray[np.float64]

ANALYSIS_PX = 128
# On less OpenCV's flow reads beyond the picture.
_SMALLEST_PX = 32

# Of the flow, one vector in 4 x 4 is looked at: its patches are 5 pixels apart at half of the scale.
_FLOW_GRID = 4
# Sides of the coarse picture in which cuts and the order are looked for, and the change of a cell that
# motion within a scene gives to few cells at once.
_CELLS = 16
LONG_FRAMES = 4
_CELL_CHANGE_LUMA = 12.0


class LumaFrame(Protocol):
    """A picture and its time, as `decoding.Frame` has them."""

    @property
    def luma(self) -> Image:
        """`(height, width)`."""

    @property
    def time_s(self) -> float | None:
        """When it is shown."""


@dataclass(frozen=True)
class Signals:
    """Series over a video's frames, and over the pairs of neighbouring frames.

    Attributes:
        luma: `(frame,)`: mean luma.
        time_s: `(frame,)`: when it is shown; nan where the file does not say.
        shift_px: `(pair,)`: length of the flow, averaged over the pixels, in pixels of the video.
        agreement: `(pair,)`: cosine between a pair's flow and that of the pair before, over the whole
            field: 1 when the motion goes on, -1 when it turns back; 0 for the first pair.
        difference: `(pair,)`: mean absolute difference in luma.
        change: `(pair,)`: the same of a coarse picture, in which h264 leaves no noise.
        long_change: `(frame - LONG_FRAMES,)`: the same over `LONG_FRAMES` frames.
        changed_share: `(pair,)`: share of the coarse picture that changes clearly.
        width_px: Width of the video.
    """

    luma: Series
    time_s: Series
    shift_px: Series
    agreement: Series
    difference: Series
    change: Series
    long_change: Series
    changed_share: Series
    width_px: int


def collect_signals(frames: Iterable[LumaFrame], *, width_px: int) -> Signals:
    """Go over the frames once; none is kept.

    Args:
        frames: The frames, in the order in which they are shown.
        width_px: Width of the video.
    """
    threads = cv2.getNumThreads()
    # The flow cuts pictures in as many stripes as there are threads, and so depends on their number.
    cv2.setNumThreads(1)
    try:
        return _collect(frames, width_px)
    finally:
        cv2.setNumThreads(threads)


def _collect(frames: Iterable[LumaFrame], width_px: int) -> Signals:
    pairs = _PairMeter()
    recent: deque[Cells] = deque(maxlen=LONG_FRAMES + 1)
    scale = 1.0
    luma, time_s, rows, long_change = [], [], [], []
    for frame in frames:
        picture = _reduce(frame.luma)
        scale = frame.luma.shape[1] / picture.shape[1]
        recent.append(_cells(picture))
        luma.append(float(recent[-1].mean()))
        time_s.append(np.nan if frame.time_s is None else frame.time_s)
        if len(luma) > 1:
            rows.append((*pairs.measure(picture), *_change(recent[-2], recent[-1])))
        else:
            pairs.begin(picture)
        if len(recent) > LONG_FRAMES:
            long_change.append(_change(recent[0], recent[-1])[0])
    shift, agreement, difference, change, changed_share = (
        np.array(rows, np.float64).reshape(-1, 5).T
    )
    return Signals(
        luma=np.array(luma, np.float64),
        time_s=np.array(time_s, np.float64),
        shift_px=shift * scale,
        agreement=agreement,
        difference=difference,
        change=change,
        long_change=np.array(long_change, np.float64),
        changed_share=changed_share,
        width_px=width_px,
    )


class _PairMeter:
    """Compares each picture with the one before it."""

    def __init__(self) -> None:
        self._engine = flow_engine()
        self._picture: Image
        self._flow: Flow | None = None
        self._length = 0.0

    def begin(self, picture: Image) -> None:
        """Take the first picture."""
        self._picture = picture

    def measure(self, picture: Image) -> tuple[float, float, float]:
        """Return shift, agreement and difference of the next picture."""
        before, self._picture = self._picture, picture
        # The stubs do not know that a missing start flow is allowed.
        field = self._engine.calc(before, picture, None)  # type: ignore[call-overload]
        middle = _FLOW_GRID // 2
        flow = np.ascontiguousarray(field[middle::_FLOW_GRID, middle::_FLOW_GRID])
        shift = float(np.sqrt(np.square(flow).sum(axis=-1)).mean())
        difference = cv2.norm(before, picture, cv2.NORM_L1) / picture.size
        return shift, self._agreement(flow), difference

    def _agreement(self, flow: Flow) -> float:
        before, self._flow = self._flow, flow
        length_before, self._length = self._length, float(np.linalg.norm(flow))
        if before is None or not length_before * self._length:
            return 0.0
        return float(np.vdot(before, flow)) / (length_before * self._length)


def flow_engine() -> cv2.DISOpticalFlow:
    """Return the optical flow that is used throughout.

    Source:
        Kroeger et al. 2016, Fast Optical Flow using Dense Inverse Search (DIS), ECCV. Its fastest
        preset, one scale finer and with fewer patches: of what was tried, this ranks videos by
        smoothness most like Farneback's method at full resolution.
    """
    engine = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_ULTRAFAST)
    engine.setFinestScale(1)
    engine.setPatchStride(5)
    engine.setGradientDescentIterations(12)
    return engine


def _reduce(luma: Image) -> Image:
    """Return a picture of a size at which the flow is fast and sound, by a whole factor if it can be."""
    height, width = luma.shape
    factor = -(-max(height, width) // ANALYSIS_PX)
    rows, columns = max(height // factor, _SMALLEST_PX), max(width // factor, _SMALLEST_PX)
    if (rows, columns) == (height, width):
        # The flow reads no padded rows.
        return np.ascontiguousarray(luma)
    # Without the rest of the division, averaging is exact and many times faster.
    whole = luma[: height // factor * factor, : width // factor * factor]
    return np.asarray(cv2.resize(whole, (columns, rows), interpolation=cv2.INTER_AREA), np.uint8)


def _cells(picture: Image) -> Cells:
    """Return the coarse picture."""
    small = cv2.resize(picture, (_CELLS, _CELLS), interpolation=cv2.INTER_AREA)
    return np.asarray(small, np.float32)


def _change(before: Cells, after: Cells) -> tuple[float, float]:
    """Return the mean change of coarse pictures, and the share that changes clearly."""
    change = np.abs(after - before)
    return float(change.mean()), float(np.mean(change > _CELL_CHANGE_LUMA))


def first_frames(signals: Signals, count: int) -> Signals:
    """Return the signals of the first `count` frames alone."""
    pairs = max(count - 1, 0)
    return replace(
        signals,
        luma=signals.luma[:count],
        time_s=signals.time_s[:count],
        long_change=signals.long_change[: max(count - LONG_FRAMES, 0)],
        **{
            name: getattr(signals, name)[:pairs]
            for name in ("shift_px", "agreement", "difference", "change", "changed_share")
        },
    )
