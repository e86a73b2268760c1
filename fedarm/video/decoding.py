"""Reads a video with PyAV and makes sure that every frame that it declares is there.

OpenCV's reader is not used: its wheel "opens" an AV1 file, gives a frame count, and then reads no frame
without an error.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from fedarm.errors import VideoError

# Formats whose first plane is 8-bit luma; others are converted first.
_PLANAR = {"yuv420p", "yuvj420p", "yuv422p", "yuvj422p", "yuv444p", "yuvj444p", "nv12", "gray"}

_REMEDY = "delete the video and run the rollout stage for it again"


@dataclass(frozen=True)
class Clip:
    """A decoded video.

    Attributes:
        luma: `(time, height, width)`, 8-bit luma as stored: black is 16 and white 235 in the usual
            limited range.
        last_rgb: `(height, width, channel)`, the last frame.
        fps: Frames a second.
    """

    luma: NDArray[np.uint8]
    last_rgb: NDArray[np.uint8]
    fps: float

    @property
    def duration_s(self) -> float:
        """Frames over frames a second."""
        return len(self.luma) / self.fps


def read_clip(file: Path) -> Clip:
    """Decode a whole video.

    Raises:
        VideoError: The file is missing, empty, not a video, damaged, or holds fewer frames than its
            header declares.
    """
    if not file.is_file():
        raise VideoError("the video is missing", file=file, remedy=_REMEDY)
    if file.stat().st_size == 0:
        raise VideoError("the video is empty: 0 bytes", file=file, remedy=_REMEDY)
    try:
        planes, last, fps, declared = _decode(file)
    except (av.FFmpegError, OSError, ValueError) as error:
        # Not `str(error)`: PyAV adds the absolute path, which differs from machine to machine.
        reason = getattr(error, "strerror", None) or str(error)
        raise VideoError(f"not a readable video: {reason}", file=file, remedy=_REMEDY) from None
    if last is None or (declared and len(planes) != declared):
        raise VideoError(
            f"the video is truncated: {len(planes)} of {declared} frames can be decoded",
            file=file,
            remedy=_REMEDY,
        )
    last_rgb = np.asarray(last.to_ndarray(format="rgb24"), dtype=np.uint8)
    return Clip(luma=np.stack(planes), last_rgb=last_rgb, fps=fps)


def _decode(file: Path) -> tuple[list[NDArray[np.uint8]], av.VideoFrame | None, float, int]:
    with av.open(str(file)) as container:
        if not container.streams.video:
            raise ValueError("it has no video stream")
        stream = container.streams.video[0]
        if not stream.average_rate:
            raise ValueError("it does not say its frame rate")
        fps = float(stream.average_rate)
        planes: list[NDArray[np.uint8]] = []
        last = None
        for frame in container.decode(stream):
            if frame.is_corrupt:
                raise ValueError(f"frame {len(planes)} is damaged")
            planes.append(_luma(frame))
            last = frame
        declared = stream.frames
    return planes, last, fps, declared


def _luma(frame: av.VideoFrame) -> NDArray[np.uint8]:
    if frame.format.name not in _PLANAR:
        frame = frame.reformat(format="yuv420p")
    plane = frame.planes[0]
    rows = np.frombuffer(plane, dtype=np.uint8).reshape(-1, plane.line_size)
    # Rows are padded to `line_size`; a copy, because the decoder reuses its buffers.
    return rows[: frame.height, : frame.width].copy()
