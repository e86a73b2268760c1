"""What is measured of a video, once for all checks: every frame decoded, a small grid of it looked at.

Only the luma plane is touched, at about 24 x 24 points, and the arithmetic is done for many frames at
once: the decoder, not this module, takes the time.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
from av.video.plane import VideoPlane
from numpy.typing import NDArray

from fedarm.data.decoding import open_video
from fedarm.errors import DataError

GRID = 24
_BATCH = 256
# Limited-range luma: black is 16 and white 235.
_BLACK, _WHITE = 16.0, 235.0
_GREYS = 255.0

Series = NDArray[np.float64]


@dataclass(frozen=True)
class Footage:
    """One video file, decoded from its first to its last frame.

    Attributes:
        error: Why the decode ended early, or None.
        times: `(frame,)`, presentation times in seconds.
        luma: `(frame,)`, mean brightness in grey levels, 0 black and 255 white.
        contrast: `(frame,)`, standard deviation of the brightness over the image, in grey levels.
        change: `(frame,)`, mean absolute difference to the frame before, in grey levels; the first is 0.
        fps: The rate that the stream declares, or 0.
        width: Pixels.
        height: Pixels.
        codec: FFmpeg's name of the format, for example `h264` or `av1`.
    """

    error: str | None
    times: Series
    luma: Series
    contrast: Series
    change: Series
    fps: float = 0.0
    width: int = 0
    height: int = 0
    codec: str = ""

    @property
    def frames(self) -> int:
        """Frames that were decoded."""
        return len(self.times)


def measure_footage(root: Path, files: Sequence[str]) -> Mapping[str, Footage]:
    """Decode video files, several at a time, and return what each holds.

    Args:
        root: The dataset's folder.
        files: Paths below it.
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    workers = max(min(cores or 1, len(files)), 1)
    # With fewer files than cores, the decoder's own threads use the rest.
    threads = max((cores or 1) // workers, 1)
    # PyAV decodes outside the interpreter's lock, so threads use all cores.
    with ThreadPoolExecutor(workers) as pool:
        measured = pool.map(lambda file: _measure(root / file, threads), files)
        return dict(zip(files, measured, strict=True))


def _measure(file: Path, threads: int) -> Footage:
    recorder = _Recorder()
    error = None
    try:
        with open_video(file) as (container, stream):
            stream.thread_count = threads
            stream.thread_type = "AUTO" if threads > 1 else "SLICE"
            recorder.start(stream)
            for frame in container.decode(stream):
                recorder.add(frame)
    except DataError as problem:
        error = str(problem).splitlines()[0]
    return recorder.finish(error)


class _Recorder:
    """Collects a strided copy of each frame's luma and reduces many at once."""

    def __init__(self) -> None:
        self._pts: list[int] = []
        self._grids: NDArray[np.uint8] = np.zeros((0, 0, 0), np.uint8)
        self._filled = 0
        self._parts: list[NDArray[np.float64]] = []
        self._last: NDArray[np.uint8] | None = None
        self._stream: dict[str, float | int | str] = {}
        self._time_base = 0.0
        self._full_range = False
        self._corrupt: int | None = None
        self._steps = (1, 1)

    def start(self, stream: av.VideoStream) -> None:
        context = stream.codec_context
        self._stream = {
            "fps": float(stream.average_rate or 0),
            "width": context.width,
            "height": context.height,
            "codec": context.codec.canonical_name,
        }
        self._time_base = float(stream.time_base or 0)
        self._full_range = (context.pix_fmt or "").startswith("yuvj")
        self._steps = (max(context.height // GRID, 1), max(context.width // GRID, 1))

    def add(self, frame: av.VideoFrame) -> None:
        if frame.is_corrupt and self._corrupt is None:
            self._corrupt = len(self._pts)
        self._pts.append(frame.pts or 0)
        # One plane, not `frame.planes`, which makes all of them; and one strided view of its bytes.
        luma = VideoPlane(frame, 0)
        down, along = self._steps
        width = luma.line_size
        grid: NDArray[np.uint8] = np.ndarray(
            (frame.height // down, frame.width // along),
            np.uint8,
            luma,
            offset=down // 2 * width + along // 2,
            strides=(down * width, along),
        )
        if grid.shape != self._grids.shape[1:]:
            self._reduce()
            self._grids = np.empty((_BATCH, *grid.shape), np.uint8)
        self._grids[self._filled] = grid
        self._filled += 1
        if self._filled == _BATCH:
            self._reduce()

    def finish(self, error: str | None) -> Footage:
        self._reduce()
        if error is None and self._corrupt is not None:
            error = f"frame {self._corrupt} is damaged"
        parts = np.concatenate(self._parts, axis=1) if self._parts else np.zeros((3, 0))
        luma, contrast, change = parts
        scale = 1.0
        if not self._full_range:
            scale = _GREYS / (_WHITE - _BLACK)
            luma = (luma - _BLACK) * scale
        return Footage(
            error=error,
            times=np.asarray(self._pts, np.float64) * self._time_base,
            luma=luma,
            contrast=contrast * scale,
            change=change * scale,
            **self._stream,  # type: ignore[arg-type]
        )

    def _reduce(self) -> None:
        if not self._filled:
            return
        grids = self._grids[: self._filled].reshape(self._filled, -1)
        self._filled = 0
        before = grids[:1] if self._last is None else self._last
        if before.shape[1] != grids.shape[1]:
            before = grids[:1]
        self._last = grids[-1:].copy()
        shifted = np.concatenate([before, grids[:-1]])
        # Of unsigned bytes, without widening them: the larger minus the smaller.
        change = np.maximum(grids, shifted) - np.minimum(grids, shifted)
        points = grids.shape[1]
        # Single precision: the sums of some hundred bytes, squared too, are exact enough. Not products
        # with ones: BLAS would start threads of its own beside the decoder's.
        wide = grids.astype(np.float32)
        mean = np.einsum("ij->i", wide).astype(np.float64) / points
        squares = np.einsum("ij,ij->i", wide, wide).astype(np.float64) / points
        moved = np.einsum("ij->i", change.astype(np.float32)).astype(np.float64) / points
        contrast = np.sqrt(np.maximum(squares - mean**2, 0.0))
        self._parts.append(np.stack([mean, contrast, moved]))
