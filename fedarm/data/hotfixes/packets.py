"""Cutting and re-timing videos: packets are copied where possible, and only otherwise encoded anew."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal

import av

from fedarm.data.decoding import decode_video
from fedarm.data.parquet import REMEDY
from fedarm.errors import DataError

# Ticks a frame in files written here; a frame's time is then a whole number of ticks at any rate.
_TICKS = 1024
_ENCODERS = {"h264": "libx264", "hevc": "libx265", "av1": "libsvtav1"}
# Visually lossless; a keyframe every other frame, as LeRobot records.
_ENCODING = {"crf": "18", "g": "2"}

CutMethod = Literal["copied", "encoded"]


@dataclass(frozen=True)
class _Packet:
    """Which frame a packet holds, counted in order of time, and whether it is a key."""

    position: int
    is_key: bool


def count_packets(file: Path) -> int:
    """Return how many frames a video's container holds without decoding them; 0 if it is unreadable."""
    try:
        return len(_positions(file))
    except DataError:
        return 0


def readable_frames(file: Path) -> frozenset[int]:
    """Return the positions of the frames that decode; all others are missing or damaged.

    A frame after a damaged one is readable again from the next keyframe on.
    """
    try:
        packets = _positions(file)
    except DataError:
        return frozenset()
    decoded, damaged = _decode_each(file, packets)
    good: set[int] = set()
    for group in _groups(packets):
        if damaged.isdisjoint(group):
            good.update(position for position in group if position in decoded)
    return frozenset(good)


def cut_video(file: Path, spans: Sequence[range], *, fps: float) -> CutMethod:
    """Keep only some spans of frames, one after the other, in the place of the file.

    The packets are copied, and so the pixels stay what they were, when each span begins with a keyframe;
    in LeRobot's recordings each episode does. Otherwise the frames are encoded anew.

    Args:
        file: The video; replaced.
        spans: Positions of frames to keep, in order, disjoint.
        fps: Frames a second.

    Raises:
        DataError: The video cannot be read.
    """
    packets = _positions(file)
    temporary = file.with_suffix(f".cut{file.suffix}")
    runs = [_run_of(packets, span) for span in spans]
    if all(run is not None for run in runs):
        order = [index for run in runs if run is not None for index in run]
        _copy(file, temporary, order, fps=fps)
        method: CutMethod = "copied"
    else:
        _encode(file, temporary, spans, fps=fps)
        method = "encoded"
    temporary.replace(file)
    return method


def retime_video(file: Path, *, fps: float) -> int:
    """Give a video another rate without decoding it, and return how many frames were re-timed.

    Raises:
        DataError: The video cannot be read.
    """
    times = _times(file)
    count = len(times)
    if count < 2 or abs((times[-1] - times[0]) * fps / (count - 1) - 1) < 1e-4:
        return 0
    temporary = file.with_suffix(f".cut{file.suffix}")
    _copy(file, temporary, range(count), fps=fps)
    temporary.replace(file)
    return count


def _times(file: Path) -> list[float]:
    with _opened(file) as container:
        stream = container.streams.video[0]
        return sorted(
            float(packet.pts * packet.time_base)
            for packet in container.demux(stream)
            if packet.pts is not None and packet.size
        )


def _positions(file: Path) -> list[_Packet]:
    """Return a video's packets in the order in which they are stored."""
    with _opened(file) as container:
        stored = [
            (packet.pts, packet.is_keyframe)
            for packet in container.demux(container.streams.video[0])
            if packet.pts is not None and packet.size
        ]
    rank = {pts: position for position, pts in enumerate(sorted(pts for pts, _ in stored))}
    return [_Packet(rank[pts], is_key) for pts, is_key in stored]


class _opened:  # noqa: N801 - a context manager that reads as a word
    """Opens a video and turns FFmpeg's errors into ours."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._container: Any = None

    def __enter__(self) -> Any:
        try:
            self._container = av.open(str(self._file))
        except (av.FFmpegError, OSError) as error:
            raise self._unreadable(error) from None
        if not self._container.streams.video:
            self._container.close()
            raise DataError("the file holds no video", file=self._file, remedy=REMEDY)
        return self._container

    def __exit__(self, _kind: Any, error: BaseException | None, _trace: Any) -> None:
        self._container.close()
        if isinstance(error, av.FFmpegError):
            raise self._unreadable(error) from None

    def _unreadable(self, error: av.FFmpegError | OSError) -> DataError:
        return DataError(f"not a readable video: {error.strerror}", file=self._file, remedy=REMEDY)


def _decode_each(file: Path, packets: Sequence[_Packet]) -> tuple[set[int], set[int]]:
    """Decode packet by packet and return the positions that came out, and those that failed."""
    decoded, damaged = set[int](), set[int]()
    pts_rank: dict[int, int] = {}
    with _opened(file) as container:
        stream = container.streams.video[0]
        # One thread: with several, an error is raised some packets later than its cause.
        stream.codec_context.thread_count = 1
        stored = [p for p in container.demux(stream) if p.pts is not None and p.size]
        pts_rank = {pts: rank for rank, pts in enumerate(sorted(p.pts for p in stored))}
        for packet, known in zip([*stored, None], [*packets, None], strict=True):
            try:
                frames = stream.codec_context.decode(packet)
            except av.FFmpegError:
                damaged.update({known.position} if known is not None else ())
                continue
            for frame in frames:
                position = pts_rank.get(frame.pts, -1)
                (damaged if frame.is_corrupt else decoded).add(position)
    return decoded, damaged


def _groups(packets: Sequence[_Packet]) -> Iterator[set[int]]:
    """Yield the positions from each keyframe to the next, which decode together or not at all."""
    group: set[int] = set()
    for packet in packets:
        if packet.is_key and group:
            yield group
            group = set()
        group.add(packet.position)
    if group:
        yield group


def _run_of(packets: Sequence[_Packet], span: range) -> range | None:
    """Return the stored packets of a span when they stand together and begin with a keyframe."""
    indices = [index for index, packet in enumerate(packets) if packet.position in span]
    if len(indices) != len(span) or not indices or not packets[indices[0]].is_key:
        return None
    run = range(indices[0], indices[-1] + 1)
    return run if len(run) == len(indices) else None


def _copy(file: Path, target: Path, order: Sequence[int], *, fps: float) -> None:
    """Copy stored packets, which then follow one another at a constant rate."""
    rate = Fraction(fps).limit_denominator(1000)
    tick = 1 / (rate * _TICKS)
    packets = _positions(file)
    kept = sorted(packets[index].position for index in order)
    rank = {position: number for number, position in enumerate(kept)}
    # Frames that are shown later than they are stored need their decoding times moved ahead.
    delay = max(number - rank[packets[index].position] for number, index in enumerate(order))
    chosen = set(order)
    with _opened(file) as source, av.open(str(target), "w") as sink:
        stream = source.streams.video[0]
        out = sink.add_stream_from_template(stream)
        out.time_base = tick
        written = 0
        stored = (p for p in source.demux(stream) if p.pts is not None and p.size)
        for index, packet in enumerate(stored):
            if index not in chosen:
                continue
            packet.time_base = tick
            packet.pts = rank[packets[index].position] * _TICKS
            packet.dts = (written - delay) * _TICKS
            packet.duration = _TICKS
            packet.stream = out
            sink.mux(packet)
            written += 1


def _encode(file: Path, target: Path, spans: Sequence[range], *, fps: float) -> None:
    wanted = {position for span in spans for position in span}
    rate = Fraction(fps).limit_denominator(1000)
    with _opened(file) as source:
        stream = source.streams.video[0]
        codec, width, height = stream.codec_context.name, stream.width, stream.height
    with av.open(str(target), "w") as sink:
        out: Any = sink.add_stream(_ENCODERS.get(codec, "libx264"), rate=rate, options=_ENCODING)
        out.width, out.height, out.pix_fmt = width, height, "yuv420p"
        # Several threads would give other bytes on other machines.
        out.codec_context.thread_count = 1
        out.time_base = out.codec_context.time_base = 1 / rate
        written = 0
        for position, frame in enumerate(decode_video(file)):
            if position not in wanted:
                continue
            frame.pts, frame.time_base = written, 1 / rate
            frame.pict_type = 0
            sink.mux(out.encode(frame))
            written += 1
        sink.mux(out.encode(None))
