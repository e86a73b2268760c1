"""Writing rollout videos: h264 MP4 that browsers play, with the same bytes each time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.video.stream import VideoStream
from numpy.typing import NDArray

from fedarm.errors import VideoError
from fedarm.paths import atomic_file

VIDEO_FPS = 30
# A film ends with the scene alone, for those who judge its last frame by colours.
BARE_FRAMES = VIDEO_FPS // 2

# yuv420p and an index before the data are what browsers want. Several encoder threads would split the
# frames differently from machine to machine, a muxer that is not bit exact writes its version, and where
# the processor has AVX-512, x264's macroblock tree depends on what was in memory before.
_ENCODER = {
    "crf": "23",
    "preset": "veryfast",
    "threads": "1",
    "mbtree": "0",
    # The camera stands still: looking for cuts, for fades, and for the best places of B frames takes a
    # sixth of the encoder's time and saves no bytes.
    "x264-params": "scenecut=0:weightp=0:b-adapt=0",
}
_MUXER = {"movflags": "+faststart", "fflags": "+bitexact"}
_KEY_FRAME_EVERY_S = 2


class VideoWriter:
    """Encodes frames one after the other; opened by `open_video`."""

    def __init__(
        self, file: Path, container: av.container.OutputContainer, stream: VideoStream
    ) -> None:
        self.file = file
        self._container = container
        self._stream = stream
        self._frames = 0

    @property
    def frames(self) -> int:
        """Frames written so far."""
        return self._frames

    def write(self, frame: NDArray[np.uint8], *, times: int = 1) -> None:
        """Add a frame `(height, width, 3)`, RGB, `times` times: a still picture when more than once."""
        for _ in range(times):
            picture = av.VideoFrame.from_ndarray(frame, format="rgb24")
            picture.pts = self._frames
            self._container.mux(self._stream.encode(picture))
            self._frames += 1

    def finish(self) -> None:
        """Flush the encoder."""
        self._container.mux(self._stream.encode(None))


@contextmanager
def open_video(path: Path, *, size: int, width: int | None = None) -> Iterator[VideoWriter]:
    """Yield a writer of a video; the file appears when the block succeeds.

    Args:
        path: The MP4 file.
        size: Side of the square frames, in pixels; even, because h264 shares colours between neighbours.
        width: Columns of frames that are not square: `size` is then their rows.

    Raises:
        VideoError: The size is odd.
        ResultsError: The folder cannot be written.
    """
    width = width or size
    if size % 2 or width % 2:
        raise VideoError(
            "an h264 video has an even number of rows and columns",
            file=path,
            key="rollout.video_size",
            value=size,
            remedy="choose a multiple of 16",
        )
    with (
        atomic_file(path) as temporary,
        av.open(str(temporary), "w", format="mp4", options=_MUXER) as container,
    ):
        stream = container.add_stream("libx264", rate=VIDEO_FPS, options=_ENCODER)
        stream.width, stream.height = width, size
        stream.pix_fmt = "yuv420p"
        stream.thread_count = 1
        stream.gop_size = _KEY_FRAME_EVERY_S * VIDEO_FPS
        stream.time_base = Fraction(1, VIDEO_FPS)
        writer = VideoWriter(path, container, stream)
        yield writer
        writer.finish()
