"""Reads a video with PyAV, once and frame by frame, and makes sure that every declared frame is there.

OpenCV's reader is not used: its wheel "opens" an AV1 file, gives a frame count, and then reads no frame
without an error.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import av
import numpy as np
from av.container import InputContainer
from av.video.stream import VideoStream
from numpy.typing import NDArray

from fedarm.errors import VideoError
from fedarm.video.container import is_cut_off

# Formats whose first plane is 8-bit luma; others are converted first.
_PLANAR = {"yuv420p", "yuvj420p", "yuv422p", "yuvj422p", "yuv444p", "yuvj444p", "nv12", "gray"}

_REMEDY = "record or copy the video again; if it is a rollout, delete it and run its stage again"


class TruncatedError(VideoError):
    """A video ends before it should."""


class Frame(NamedTuple):
    """A decoded frame.

    Attributes:
        luma: `(height, width)`, 8-bit luma as stored: black is 16 and white 235 in the usual limited
            range. A view of the decoder's buffer with padded rows: copy what is kept.
        time_s: When it is shown; None where the file does not say.
    """

    luma: NDArray[np.uint8]
    time_s: float | None


class VideoReader:
    """The frames of a video, decoded while they are iterated over; opened by `open_reader`.

    Attributes:
        file: The video.
        fps: Average frames a second, as declared.
        width: Pixels of a row.
        height: Pixels of a column.
        codec: FFmpeg's name of the codec.
        container: FFmpeg's names of the container.
    """

    def __init__(self, file: Path, container: InputContainer, stream: VideoStream) -> None:
        if not stream.average_rate:
            raise ValueError("it does not say its frame rate")
        self.file = file
        self.fps = float(stream.average_rate)
        self.width = stream.width
        self.height = stream.height
        self.codec = stream.codec_context.name
        self.container = container.format.name
        self._container = container
        self._stream = stream
        self._last: av.VideoFrame | None = None

    def __iter__(self) -> Iterator[Frame]:
        """Decode the frames in the order in which they are shown.

        Raises:
            VideoError: A frame is damaged.
            TruncatedError: There are fewer frames than declared.
        """
        count = 0
        try:
            for frame in self._container.decode(self._stream):
                if frame.is_corrupt:
                    raise VideoError(f"frame {count} is damaged", file=self.file, remedy=_REMEDY)
                count += 1
                self._last = frame
                yield Frame(_luma(frame), frame.time)
        except (av.FFmpegError, OSError) as error:
            raise _unreadable(self.file, error) from None
        declared = self._stream.frames
        if not count or (declared and count != declared):
            raise TruncatedError(
                f"the video is truncated: {count} of {declared} frames can be decoded",
                file=self.file,
                remedy=_REMEDY,
            )

    def last_rgb(self) -> NDArray[np.uint8]:
        """Return the last frame that was decoded, `(height, width, channel)`.

        Raises:
            VideoError: None was.
        """
        if self._last is None:
            raise VideoError("no frame has been decoded", file=self.file, remedy=_REMEDY)
        return np.asarray(self._last.to_ndarray(format="rgb24"), dtype=np.uint8)


@contextmanager
def open_reader(file: Path) -> Iterator[VideoReader]:
    """Yield a reader of a video's frames.

    Raises:
        VideoError: The file is missing, empty, or not a video.
        TruncatedError: It ends in the middle, and no frame can be decoded.
    """
    if not file.is_file():
        raise VideoError("the video is missing", file=file, remedy=_REMEDY)
    if file.stat().st_size == 0:
        raise VideoError("the video is empty: 0 bytes", file=file, remedy=_REMEDY)
    try:
        container = av.open(str(file))
    except (av.FFmpegError, OSError) as error:
        raise _unreadable(file, error) from None
    with container:
        try:
            reader = VideoReader(file, container, _video_stream(container))
        except ValueError as error:
            raise _unreadable(file, error) from None
        yield reader


def _video_stream(container: InputContainer) -> VideoStream:
    if not container.streams.video:
        raise ValueError("it has no video stream")
    stream = container.streams.video[0]
    # One video uses one core: many are read side by side, and small ones gain nothing from more.
    stream.thread_count = 1
    return stream


def _unreadable(file: Path, error: Exception) -> VideoError:
    # Not `str(error)`: PyAV adds the absolute path, which differs from machine to machine.
    reason = getattr(error, "strerror", None) or str(error)
    if is_cut_off(file):
        return TruncatedError(f"the video is truncated: {reason}", file=file, remedy=_REMEDY)
    return VideoError(f"not a readable video: {reason}", file=file, remedy=_REMEDY)


def _luma(frame: av.VideoFrame) -> NDArray[np.uint8]:
    if frame.format.name not in _PLANAR:
        frame = frame.reformat(format="yuv420p")
    plane = frame.planes[0]
    # The plane keeps its frame, and the frame its buffer, for as long as the view lives.
    rows = np.frombuffer(plane, dtype=np.uint8).reshape(-1, plane.line_size)
    return rows[: frame.height, : frame.width]
