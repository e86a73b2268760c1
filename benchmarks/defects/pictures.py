"""What the cameras show, and when."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from .defect import Planted, Strength, by_strength, defect
from .film import Frames, camera_keys, edit_frames, encode, span, video_file
from .film import decode as decode_video
from .tables import (
    ACTION,
    edit_episodes,
    edit_info,
    lengths,
    matrix,
    pick_episode,
    read_info,
    read_rows,
    rows_of,
)


@defect("truncated_video", "a video file cut off")
def truncated_video(folder: Path, strength: Strength, _: np.random.Generator) -> Planted:
    name = video_file(folder)
    content = (folder / name).read_bytes()
    (folder / name).write_bytes(content[: int(len(content) * by_strength(strength, 0.95, 0.5, 0))])
    return Planted(("video_decodes",), (), None, name)


@defect("damaged_video", "bytes within a video overwritten")
def damaged_video(folder: Path, strength: Strength, rng: np.random.Generator) -> Planted:
    """The container opens and states its frame count; a picture in the middle does not decode."""
    name = video_file(folder)
    content = bytearray((folder / name).read_bytes())
    length = by_strength(strength, 2_000, 10_000, 40_000)
    start = len(content) // 2
    length = min(length, len(content) // 4)
    content[start : start + length] = rng.bytes(length)
    (folder / name).write_bytes(bytes(content))
    return Planted(("video_decodes", "frame_count", "discontinuity"), (), None, name)


@defect("missing_video", "a declared video that is not there")
def missing_video(folder: Path, strength: Strength, _: np.random.Generator) -> Planted:
    name = video_file(folder)
    (folder / name).unlink()
    if strength == "medium":
        (folder / name).write_text(
            "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n"
        )
    elif strength == "strong":
        (folder / name).mkdir()
    return Planted(("video_decodes", "readable"), (), None, name)


@defect("video_short", "a video with fewer frames than rows")
def video_short(folder: Path, strength: Strength, _: np.random.Generator) -> Planted:
    lost = by_strength(strength, 1, 5, 60)
    name = edit_frames(folder, lambda frames: frames[:-lost])
    return Planted(("frame_count",), (), None, name, _drop_last(folder, lost))


@defect("video_long", "a video with more frames than rows")
def video_long(folder: Path, strength: Strength, _: np.random.Generator) -> Planted:
    more = by_strength(strength, 1, 5, 60)
    name = edit_frames(
        folder, lambda frames: np.concatenate([frames, np.repeat(frames[-1:], more, axis=0)])
    )
    return Planted(("frame_count",), (), None, name)


@defect("video_rate", "a video whose rate is not that of info.json")
def video_rate(folder: Path, strength: Strength, _: np.random.Generator) -> Planted:
    fps = read_info(folder)["fps"]
    file = folder / video_file(folder)
    encode(file, decode_video(file), fps=fps + by_strength(strength, 1, 5, 20))
    checks = ("video_rate", "frame_count", "span_drift")
    return Planted(checks, (), None, video_file(folder))


@defect("image_shape", "another image size in info.json than in the videos")
def image_shape(folder: Path, strength: Strength, _: np.random.Generator) -> Planted:
    camera = camera_keys(folder)[0]

    def restate(info: dict[str, Any]) -> None:
        height, width, _ = info["features"][camera]["shape"]
        shape = by_strength(strength, [height, width + 2, 3], [height * 2, width, 3], [480, 640, 3])
        info["features"][camera]["shape"] = shape

    edit_info(folder, restate)
    return Planted(("video_rate", "schema"), (), None, camera)


@defect("black_frames", "frames that are black")
def black_frames(folder: Path, strength: Strength, rng: np.random.Generator) -> Planted:
    return _paint(folder, strength, rng, lambda frames: np.zeros_like(frames))


@defect("flat_frames", "frames of one colour, as a lost signal gives")
def flat_frames(folder: Path, strength: Strength, rng: np.random.Generator) -> Planted:
    return _paint(folder, strength, rng, lambda frames: np.full_like(frames, (0, 40, 200)))


@defect("noise_frames", "frames of noise")
def noise_frames(folder: Path, strength: Strength, rng: np.random.Generator) -> Planted:
    return _paint(
        folder,
        strength,
        rng,
        lambda frames: rng.integers(0, 256, frames.shape, dtype=np.uint8),
        checks=("image_noise", "image_black_or_flat"),
    )


@defect("frozen_camera", "a camera that stands still while the arm moves")
def frozen_camera(folder: Path, strength: Strength, rng: np.random.Generator) -> Planted:
    episode = pick_episode(folder, rng)
    start, end = span(folder, episode)
    length = min(by_strength(strength, 10, 16, end - start), end - start)
    first = _moving(folder, episode, length)

    def freeze(frames: Frames) -> None:
        frames[start + first : start + first + length] = frames[start + first]

    edit_frames(folder, freeze)
    return Planted(("frozen_camera",), (episode,), (first, first + length - 1))


@defect("stale_first_frame", "an episode that begins with a picture from before it")
def stale_first_frame(folder: Path, strength: Strength, rng: np.random.Generator) -> Planted:
    """The camera's buffer still holds the last picture of the episode before."""
    episode = 1 + int(rng.integers(len(lengths(folder)) - 1))
    start, _ = span(folder, episode)
    stale = by_strength(strength, 1, 2, 4)

    def replace(frames: Frames) -> None:
        frames[start : start + stale] = frames[start - 1]

    edit_frames(folder, replace)
    return Planted(("stale_first_frame",), (episode,), (0, stale))


@defect("video_shifted", "pictures some frames late against the states")
def video_shifted(folder: Path, strength: Strength, _: np.random.Generator) -> Planted:
    """As in lerobot #4027: each episode's pictures come late, its last ones are lost."""
    shift = by_strength(strength, 3, 5, 9)
    spans = [span(folder, episode) for episode in range(len(lengths(folder)))]

    def move(frames: Frames) -> None:
        for start, end in spans:
            order = np.maximum(np.arange(end - start) - shift, 0)
            frames[start:end] = frames[start:end][order]

    edit_frames(folder, move)
    return Planted(("frame_shift",))


@defect("video_shifted_one", "one episode's pictures early against its states")
def video_shifted_one(folder: Path, strength: Strength, rng: np.random.Generator) -> Planted:
    shift = by_strength(strength, 4, 7, 12)
    episode = pick_episode(folder, rng)
    start, end = span(folder, episode)

    def move(frames: Frames) -> None:
        order = np.minimum(np.arange(end - start) + shift, end - start - 1)
        frames[start:end] = frames[start:end][order]

    edit_frames(folder, move)
    return Planted(("frame_shift",), (episode,))


@defect("episodes_exchanged", "the pictures of two episodes exchanged")
def episodes_exchanged(folder: Path, strength: Strength, rng: np.random.Generator) -> Planted:
    """Spans that point at each other's frames; lengths are made to agree, so that no count tells."""
    count = len(lengths(folder))
    pairs = by_strength(strength, 1, 2, count // 2)
    chosen = [int(e) for e in rng.choice(count, size=2 * pairs, replace=False)]
    spans = [span(folder, episode) for episode in range(count)]

    def exchange(frames: Frames) -> Frames:
        out = frames.copy()
        for first, second in zip(chosen[::2], chosen[1::2], strict=True):
            for target, source in ((first, second), (second, first)):
                (start, end), (begin, stop) = spans[target], spans[source]
                order = np.linspace(0, stop - begin - 1, end - start).round().astype(int)
                out[start:end] = frames[begin:stop][order]
        return out

    edit_frames(folder, exchange)
    return Planted(("frame_shift",), tuple(sorted(chosen)))


@defect("video_offset", "spans that begin some frames late in the video, all alike")
def video_offset(folder: Path, strength: Strength, _: np.random.Generator) -> Planted:
    shift = by_strength(strength, 1, 3, 10) / read_info(folder)["fps"]
    camera = camera_keys(folder)[0]

    def move(columns: dict[str, list[Any]]) -> None:
        for name in ("from_timestamp", "to_timestamp"):
            key = f"videos/{camera}/{name}"
            columns[key] = [time + shift for time in columns[key]]

    edit_episodes(folder, move)
    fixes = ({"fix": "mend_pointers"},)
    return Planted(("span_drift", "frame_count"), (), None, None, fixes, True)


def _paint(
    folder: Path,
    strength: Strength,
    rng: np.random.Generator,
    paint: Callable[[Frames], Frames],
    *,
    checks: tuple[str, ...] = ("image_black_or_flat",),
) -> Planted:
    """Replace one frame, five, or a whole episode."""
    episode = pick_episode(folder, rng)
    start, end = span(folder, episode)
    length = by_strength(strength, 1, 5, end - start)
    first = int(rng.integers(2, end - start - length - 2)) if length < end - start else 0

    def replace(frames: Frames) -> None:
        part = slice(start + first, start + first + length)
        frames[part] = paint(frames[part])

    edit_frames(folder, replace)
    return Planted(checks, (episode,), (first, first + length - 1))


def _moving(folder: Path, episode: int, frames: int) -> int:
    """Return where in an episode the arm moves most for so many frames."""
    action = matrix(read_rows(folder), ACTION)[rows_of(folder, episode)]
    moved = np.abs(np.diff(action, axis=0)).max(axis=1)
    if frames >= len(moved):
        return 0
    return int(np.argmax(np.convolve(moved, np.ones(frames), mode="valid")))


def _drop_last(folder: Path, lost: int) -> tuple[dict[str, Any], ...]:
    """Return the fix that drops the episodes whose pictures are cut off."""
    table = lengths(folder)
    ends = np.cumsum(table)
    hit = [episode for episode, end in enumerate(ends) if end > ends[-1] - lost]
    return ({"fix": "drop_episodes", "episodes": hit},)
