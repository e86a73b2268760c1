"""Pixels of a dataset's cameras, every frame decoded once and in the order of the rows.

PyAV decodes: OpenCV's wheel "opens" an AV1 file, states its frame count, and then reads no frame
without an error. Whatever the reader, the frames that come out are counted.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import groupby
from pathlib import Path

import av
import cv2
import numpy as np
from av.container import InputContainer
from numpy.typing import NDArray

from fedarm.data.dataset import Dataset, Episode, VideoSpan
from fedarm.data.parquet import REMEDY
from fedarm.errors import DataError

CHUNK_FRAMES = 256


def decode_camera(
    dataset: Dataset, camera: str, *, image_size: int, chunk_frames: int = CHUNK_FRAMES
) -> Iterator[NDArray[np.uint8]]:
    """Yield a camera's frames in the order of the episodes and of the frames in each.

    An image of another size is scaled with area averaging to the square; its aspect is not kept.

    Args:
        dataset: The dataset.
        camera: The camera's feature key.
        image_size: Side of the images to yield, in pixels.
        chunk_frames: Frames a chunk; bounds the memory.

    Yields:
        Frames `(frame, height, width, channel)`, RGB.

    Raises:
        DataError: A video is missing or damaged, or does not hold the frames that the episodes
            declare.
    """
    spans = [episode.videos[camera] for episode in dataset.episodes]
    buffer: list[NDArray[np.uint8]] = []
    for file, group in groupby(spans, key=lambda span: span.file):
        for frame in _declared_frames(dataset.root / file, list(group), dataset.info.fps):
            buffer.append(resize_frame(frame, image_size))
            if len(buffer) == chunk_frames:
                yield np.stack(buffer)
                buffer.clear()
    if buffer:
        yield np.stack(buffer)


def decode_episode(dataset: Dataset, episode: Episode, camera: str) -> Iterator[NDArray[np.uint8]]:
    """Yield one episode's frames `(height, width, channel)`, RGB, at the size that was recorded.

    Raises:
        DataError: The video is missing or damaged, or does not hold the frames that the episode
            declares.
    """
    span, fps = episode.videos[camera], dataset.info.fps
    file = dataset.root / span.file
    decoded = 0
    with open_video(file) as (container, stream):
        if stream.time_base is not None:
            container.seek(int(span.from_s / stream.time_base), stream=stream)
        for frame in container.decode(stream):
            # Half a frame around the span: times are rounded in the file.
            position = ((frame.time or 0.0) - span.from_s) * fps
            if position < -0.5:
                continue
            if decoded == episode.length:
                break
            yield np.asarray(frame.to_ndarray(format="rgb24"), dtype=np.uint8)
            decoded += 1
    if decoded != episode.length:
        raise DataError(
            "the video does not hold the frames that the episode declares",
            file=file,
            key=f"episode {episode.index}",
            value=f"{decoded} decoded, {episode.length} declared",
            remedy=REMEDY,
        )


def read_frames(file: Path) -> Iterator[tuple[float, NDArray[np.uint8]]]:
    """Yield the time in seconds and the RGB pixels `(height, width, channel)` of every frame.

    Raises:
        DataError: The file is missing, is not a video, or is damaged.
    """
    for frame in _decode(file):
        pixels = np.asarray(frame.to_ndarray(format="rgb24"), dtype=np.uint8)
        yield float(frame.time or 0.0), pixels


def span_frames(span: VideoSpan, fps: float) -> range:
    """Return the positions of an episode's frames in its video file."""
    return range(round(span.from_s * fps), round(span.to_s * fps))


def _declared_frames(
    file: Path, spans: Sequence[VideoSpan], fps: float
) -> Iterator[NDArray[np.uint8]]:
    """Yield a file's frames after making sure that the spans cover them once and in order."""
    expected = [index for span in spans for index in span_frames(span, fps)]
    if expected != list(range(len(expected))):
        raise DataError(
            "the episodes' spans do not follow one another from the video's first frame",
            file=file,
            key="from_timestamp",
            value=[(span.from_s, span.to_s) for span in spans][:8],
            remedy=REMEDY,
        )
    decoded = 0
    for time_s, frame in read_frames(file):
        # Half a frame off, and a row would be given the pixels of its neighbour.
        if abs(time_s * fps - decoded) >= 0.5:
            raise DataError(
                f"frame {decoded} is not where a constant rate of {fps:g} frames/s puts it",
                file=file,
                key="fps",
                value=time_s,
                remedy=REMEDY,
            )
        decoded += 1
        if decoded <= len(expected):
            yield frame
    if decoded != len(expected):
        raise DataError(
            "the video does not hold the frames that the episodes declare",
            file=file,
            value=f"{decoded} decoded, {len(expected)} declared",
            remedy=REMEDY,
        )


def _decode(file: Path) -> Iterator[av.VideoFrame]:
    with open_video(file) as (container, stream):
        for frame in container.decode(stream):
            if frame.is_corrupt:
                time = f"{frame.time} s"
                raise DataError("a frame is damaged", file=file, value=time, remedy=REMEDY)
            yield frame


@contextmanager
def open_video(file: Path) -> Iterator[tuple[InputContainer, av.VideoStream]]:
    """Open a video, and say what is wrong with it when it, or its decoding in the block, fails.

    Raises:
        DataError: The file is missing, is not a video, or is damaged.
    """
    if not file.is_file():
        raise DataError("a video that the metadata declares is missing", file=file, remedy=REMEDY)
    try:
        with av.open(str(file)) as container:
            if not container.streams.video:
                raise DataError("the file holds no video", file=file, remedy=REMEDY)
            yield container, container.streams.video[0]
    except (av.FFmpegError, OSError) as error:
        # Not `str(error)`: PyAV adds the absolute path, which differs from machine to machine.
        raise DataError(
            f"not a readable video: {error.strerror}", file=file, remedy=REMEDY
        ) from None


def resize_frame(frame: NDArray[np.uint8], image_size: int) -> NDArray[np.uint8]:
    """Return a frame `(height, width, channel)` at the size that a policy sees, `(side, side, channel)`.

    Training and rollouts both shrink the camera's picture here, so that a policy sees the same in both.
    """
    if frame.shape[:2] == (image_size, image_size):
        return frame
    resized = cv2.resize(frame, (image_size, image_size), interpolation=cv2.INTER_AREA)
    return np.asarray(resized, dtype=np.uint8)
