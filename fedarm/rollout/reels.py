"""Several filmed episodes in one picture, all from the same initial condition.

    arms_<dataset>.mp4        the arms side by side: what did each learn?
    progress_<dataset>.mp4    an arm a row, from the starting policy through the rounds
    <reel>.json               the record beside each, schema version 1:

        reel, dataset, initial_conditions, episode, initial_condition_seed
        tiles               one a film: row, column, run, seed, round, success, steps, file, video_sha256
        fps, frames, video_sha256

A film that is over stands still on its last captioned frame until the longest is over.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from fedarm.errors import ResultsError, VideoError
from fedarm.evaluation_settings import Reel, Tile
from fedarm.logging import Progress
from fedarm.paths import atomic_dir, read_json, write_json
from fedarm.provenance import digest_file
from fedarm.rollout.recording import BARE_FRAMES, VIDEO_FPS, open_video

SCHEMA_VERSION = 1

_EPISODE = 0
_GAP_PX = 4
_GAP_LEVEL = 24
_WIDEST_PX = 1920
_REMEDY = "run the rollout stage again"

Frame = NDArray[np.uint8]


@dataclass(frozen=True)
class _Film:
    """A film of an episode as a tile shows it.

    Attributes:
        tile: Where it comes from.
        file: The MP4 file.
        record: What the JSON beside it says.
        row: Its row in the picture.
        column: Its column.
    """

    tile: Tile
    file: Path
    record: dict[str, Any]
    row: int
    column: int

    @property
    def frames(self) -> int:
        """Frames that are shown: without the bare scene at the end, which has no captions."""
        return max(int(self.record["frames"]) - BARE_FRAMES, 1)


def make_reels(reels: Sequence[Reel], folder: Path) -> None:
    """Put filmed episodes side by side; the folder is replaced as a whole.

    Args:
        reels: Which films, and where in the picture.
        folder: Where to.

    Raises:
        ResultsError: A film is not in its run's list, films are of different initial conditions, or the
            folder cannot be written.
        VideoError: A film cannot be read.
    """
    with (
        atomic_dir(folder) as temporary,
        Progress(len(reels), label="reels", unit="videos") as progress,
    ):
        for reel in reels:
            _make_reel(reel, temporary)
            progress.advance(1)


def _make_reel(reel: Reel, folder: Path) -> None:
    films = [
        _find_film(tile, reel.dataset, row=row, column=column)
        for row, tiles in enumerate(reel.rows)
        for column, tile in enumerate(tiles)
    ]
    start = _common_start(films, reel)
    file = folder / f"{reel.name}.mp4"
    frames = _write_video(films, file)
    record = {
        "schema_version": SCHEMA_VERSION,
        "reel": reel.name,
        "dataset": reel.dataset,
        **start,
        "tiles": [_tile_record(film) for film in films],
        "fps": VIDEO_FPS,
        "frames": frames,
        "video_sha256": digest_file(file),
    }
    write_json(file.with_suffix(".json"), record)


def _find_film(tile: Tile, dataset: str, *, row: int, column: int) -> _Film:
    wanted = {"dataset": dataset, "round": tile.round, "episode": _EPISODE}
    for entry in read_json(tile.paths.videos)["videos"]:
        if wanted.items() <= entry.items():
            folder = tile.paths.rollouts
            record = read_json(folder / entry["record"])
            return _Film(tile, folder / entry["file"], record, row, column)
    raise ResultsError("a film is missing", file=tile.paths.videos, value=wanted, remedy=_REMEDY)


def _common_start(films: Sequence[_Film], reel: Reel) -> dict[str, Any]:
    """Return the initial condition that all films start from."""
    keys = ("initial_conditions", "episode", "initial_condition_seed")
    first = {key: films[0].record[key] for key in keys}
    for film in films:
        if any(film.record[key] != value for key, value in first.items()):
            raise ResultsError(
                f"films of {reel.name} start from different initial conditions",
                file=film.file.with_suffix(".json"),
                key="initial_conditions",
                value=film.record["initial_conditions"],
                remedy=_REMEDY,
            )
    return first


def _tile_record(film: _Film) -> dict[str, Any]:
    keys = ("run", "seed", "round", "success", "steps", "video_sha256")
    position = {"row": film.row, "column": film.column, "file": film.file.name}
    return {**position, **{key: film.record[key] for key in keys}}


def _write_video(films: Sequence[_Film], file: Path) -> int:
    """Write all films into one picture; return its number of frames."""
    rows = 1 + max(film.row for film in films)
    columns = 1 + max(film.column for film in films)
    frames = max(film.frames for film in films)
    with ExitStack() as stack:
        streams = [stack.enter_context(closing(_pictures(film))) for film in films]
        moments = zip(*streams, strict=True)
        side = _tile_side(_side(films[0]), columns)
        height, width = (count * side + (count - 1) * _GAP_PX for count in (rows, columns))
        canvas = np.full((height, width, 3), _GAP_LEVEL, dtype=np.uint8)
        writer = stack.enter_context(open_video(file, size=height, width=width))
        for pictures in islice(moments, frames):
            for film, picture in zip(films, pictures, strict=True):
                top, left = film.row * (side + _GAP_PX), film.column * (side + _GAP_PX)
                canvas[top : top + side, left : left + side] = _shrink(picture, side)
            writer.write(canvas)
    return frames


def _pictures(film: _Film) -> Generator[Frame]:
    """Yield a film's frames `(height, width, 3)`, the last of them for ever."""
    shown: Frame | None = None
    count = 0
    try:
        with av.open(str(film.file)) as container:
            for frame in islice(container.decode(video=0), film.frames):
                shown = np.asarray(frame.to_ndarray(format="rgb24"), dtype=np.uint8)
                count += 1
                yield shown
    except (av.FFmpegError, OSError, IndexError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise VideoError(
            f"not a readable video: {reason}", file=film.file, remedy=_REMEDY
        ) from None
    if shown is None or count < film.frames:
        raise VideoError(
            f"the video is truncated: {count} of {film.frames} frames can be decoded",
            file=film.file,
            remedy=_REMEDY,
        )
    while True:
        yield shown


def _side(film: _Film) -> int:
    """Return the side of a film's frames, in pixels."""
    with closing(_pictures(film)) as pictures:
        return len(next(pictures))


def _tile_side(side: int, columns: int) -> int:
    """Return the side of a tile: that of the films, or less where the picture would be too wide.

    Even, because h264 shares colours between neighbours.
    """
    room = (_WIDEST_PX - (columns - 1) * _GAP_PX) // columns
    return min(side, room) // 2 * 2


def _shrink(picture: Frame, side: int) -> Frame:
    if len(picture) == side:
        return picture
    return np.asarray(cv2.resize(picture, (side, side), interpolation=cv2.INTER_AREA), np.uint8)
