"""Films small enough to stand in a page: shrunk, encoded again, and easy to jump about in."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.container import InputContainer
from av.video.stream import VideoStream
from numpy.typing import NDArray

from fedarm.errors import VideoError

LARGEST_SIDE_PX = 240

# A reader scrubs back and forth: an own picture every half second keeps that quick. The other settings
# give the same bytes each time, as those of the films themselves.
_ENCODER = {"crf": "30", "preset": "veryfast", "threads": "1", "mbtree": "0"}
_KEY_FRAME_EVERY_S = 0.5
# What a shrunk film depends on, beside the film and the encoder.
RECIPE = [LARGEST_SIDE_PX, _ENCODER, _KEY_FRAME_EVERY_S]
_REMEDY = "run the rollout stage again"


@dataclass(frozen=True)
class SmallFilm:
    """A film for the page.

    Attributes:
        mp4: h264 in MP4.
        seconds: How long it plays.
    """

    mp4: bytes
    seconds: float


def shrink_film(file: Path) -> SmallFilm:
    """Return a film with at most `LARGEST_SIDE_PX` pixels a side, for a page.

    Raises:
        VideoError: It cannot be read.
    """
    out = io.BytesIO()
    with _opened(file) as (container, source):
        rate = Fraction(source.average_rate or 30)
        # The version of the muxer would be written into the file.
        with av.open(out, "w", format="mp4", options={"fflags": "+bitexact"}) as target:
            stream = target.add_stream("libx264", rate=rate, options=_ENCODER)
            stream.width, stream.height = _size(source.width, source.height)
            stream.pix_fmt = "yuv420p"
            stream.thread_count = 1
            stream.gop_size = max(1, round(_KEY_FRAME_EVERY_S * rate))
            count = 0
            for decoded in container.decode(source):
                small = decoded.reformat(stream.width, stream.height, format="yuv420p")
                # Its place, not the type of picture that it was in the film.
                small.pts, small.time_base, small.pict_type = count, 1 / rate, 0
                target.mux(stream.encode(small))
                count += 1
            target.mux(stream.encode(None))
    return SmallFilm(out.getvalue(), float(count / rate))


def read_small_film(file: Path) -> SmallFilm:
    """Read a film that `shrink_film` has made.

    Raises:
        VideoError: There is none, or it cannot be read.
    """
    with _opened(file) as (_, stream):
        seconds = float(stream.frames / Fraction(stream.average_rate or 30))
    return SmallFilm(file.read_bytes(), seconds)


def still_frames(file: Path, moments_s: tuple[float, ...]) -> list[NDArray[np.uint8]]:
    """Return the pictures `(height, width, channel)` that a film shows at some moments.

    Args:
        file: The film.
        moments_s: Seconds from its begin, in their order; one after its end means its last picture.

    Raises:
        VideoError: It cannot be read.
    """
    found: list[NDArray[np.uint8]] = []
    shown: av.VideoFrame | None = None
    with _opened(file) as (container, source):
        period_s = float(1 / Fraction(source.average_rate or 30))
        for count, decoded in enumerate(container.decode(source)):
            shown = decoded
            while len(found) < len(moments_s) and moments_s[len(found)] < (count + 1) * period_s:
                found.append(_picture(decoded))
    if shown is not None:
        found += [_picture(shown)] * (len(moments_s) - len(found))
    return found


@contextmanager
def _opened(file: Path) -> Iterator[tuple[InputContainer, VideoStream]]:
    """Yield a film and its pictures; what cannot be read is a `VideoError`."""
    try:
        with av.open(str(file)) as container:
            stream = container.streams.video[0]
            stream.thread_count = 1
            yield container, stream
    except (av.FFmpegError, OSError, IndexError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise VideoError(f"not a readable video: {reason}", file=file, remedy=_REMEDY) from None


def _size(width: int, height: int) -> tuple[int, int]:
    """Return the size in the page; even, because h264 shares colours between neighbours."""
    factor = min(1.0, LARGEST_SIDE_PX / max(width, height))
    return max(2, round(width * factor / 2) * 2), max(2, round(height * factor / 2) * 2)


def _picture(frame: av.VideoFrame) -> NDArray[np.uint8]:
    return np.asarray(frame.to_ndarray(format="rgb24"), dtype=np.uint8)
