"""A film of a held-out episode: what the cameras saw, and both action paths under it.

The paths are strip charts, a joint each: of a field robot neither camera nor base is calibrated, so
nothing can honestly be drawn into its pictures. The lab's own scenes have a known arm and camera: there
the predicted path of the tool is drawn into the picture, and the recorded one as a pale line.

The record beside a film, `<video>.json`, schema version 1: arm, run, seed, round, checkpoint_sha256,
dataset, episode, error (mean absolute error by joint in this episode), policy_loss (over all looks on
the dataset), duration_s, fps, frames, video_sha256. There is no success in it: nothing was tried.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from fedarm.data.dataset import Dataset, Episode
from fedarm.data.decoding import decode_episode
from fedarm.rollout.captions import GREY, WHITE, text_layer
from fedarm.rollout.layers import Colour, Layer, blend
from fedarm.rollout.looks import Looks
from fedarm.rollout.overlay import densify, path_layer, plan_path
from fedarm.rollout.pictures import GROUND, Frame, camera_strip, frame_repeats
from fedarm.rollout.recording import VIDEO_FPS, VideoWriter, open_video
from fedarm.rollout.replay_tables import joint_labels
from fedarm.rollout.strip_charts import PREDICTED, RECORDED, StripCharts
from fedarm.sim.scene import Scene

# Shares of the frame's side, from above: captions, pictures, charts.
_CAPTIONS, _PICTURES = 0.115, 0.445
_TEXT = 0.72
_MOST_CAMERAS = 3
# A heading has little room, and no unit where the recording leaves it open.
_UNIT_SIGNS = {"degrees": "°", "percent open": "% open", "percent of range": "% of range"}
# OpenCV draws between pixels when coordinates come shifted by so many bits.
_SHIFT = 4


@dataclass(frozen=True)
class FilmTitle:
    """What a film's captions say.

    Attributes:
        run: Whose policy predicts.
        checkpoint: Which of its checkpoints, in words.
        dataset: On what.
    """

    run: str
    checkpoint: str
    dataset: str


def film_episode(
    path: Path,
    looks: Looks,
    episode: Episode,
    *,
    dataset: Dataset,
    title: FilmTitle,
    units: Sequence[str],
    scene: Scene | None,
    size: int,
) -> VideoWriter:
    """Film an episode in real time and return the closed writer.

    Args:
        path: The MP4 file.
        looks: The predictions on the episode's dataset.
        episode: The episode.
        dataset: The recording that it is from.
        title: What the captions say.
        units: The unit of each joint.
        scene: The simulator's scene, where it is of one.
        size: Side of the frames, in pixels.

    Raises:
        DataError: The recording's videos are missing or damaged.
        ResultsError: The folder cannot be written.
    """
    painter = _Painter(looks, episode.index, title=title, units=units, scene=scene, size=size)
    with open_video(path, size=size) as writer:
        for frame, pictures in enumerate(_pictures(dataset, episode)):
            writer.write(
                painter.paint(frame, pictures),
                times=frame_repeats(frame, dataset.info.fps, VIDEO_FPS),
            )
    return writer


class _Painter:
    """Paints the frames of one film, in their order."""

    def __init__(
        self,
        looks: Looks,
        episode: int,
        *,
        title: FilmTitle,
        units: Sequence[str],
        scene: Scene | None,
        size: int,
    ) -> None:
        self._size = size
        self._looks = looks
        self._scene = scene
        self._actions = looks.cached.action[looks.cached.rows_of([episode])]
        self._fps = looks.cached.fps
        self._look_at = {int(looks.frame[k]): int(k) for k in looks.of_episode(episode)}
        self._headings = _headings(title, episode, size)
        self._top, self._below = round(_CAPTIONS * size), round((_CAPTIONS + _PICTURES) * size)
        names = joint_labels(looks.cached.action_names)
        predicted = looks.predicted[list(self._look_at.values())]
        self._charts = StripCharts(
            self._actions,
            predicted[~looks.is_pad[list(self._look_at.values())]],
            headings=[
                f"{name} {_UNIT_SIGNS.get(unit, '')}".strip()
                for name, unit in zip(names, units, strict=True)
            ],
            width=size,
            height=size - self._below,
        )
        self._draw_path: Callable[[Frame, int], Frame] = lambda picture, _: picture

    def paint(self, frame: int, pictures: Sequence[Frame]) -> Frame:
        """Return the film's frame for a frame of the episode, `(size, size, channel)`."""
        if frame in self._look_at:
            self._look(self._look_at[frame], frame)
        size, top, below = self._size, self._top, self._below
        if self._scene is not None:
            side = below - top
            square = cv2.resize(pictures[0], (side, side), interpolation=cv2.INTER_CUBIC)
            pictures = [self._draw_path(np.asarray(square, np.uint8), frame)]
        canvas = np.full((size, size, 3), GROUND, dtype=np.uint8)
        canvas[top:below] = camera_strip(pictures, width=size, height=below - top)
        canvas[below:] = self._charts.picture(frame)
        time = _at(f"{frame / self._fps:.1f} s", size, line=1, right=True)
        return blend(canvas, [*self._headings, time])

    def _look(self, look: int, frame: int) -> None:
        """Show another prediction."""
        chunk = self._looks.predicted[look][~self._looks.is_pad[look]]
        executed = self._looks.n_action_steps
        self._charts.predict(chunk, frame=frame, executed=executed)
        if self._scene is not None:
            self._draw_path = _path_drawer(
                self._scene,
                self._looks.cached.state[self._looks.rows[look]],
                predicted=chunk,
                recorded=self._actions[frame : frame + len(chunk)],
                executed=executed,
                first=frame,
                side=self._below - self._top,
            )


def _path_drawer(
    scene: Scene,
    state: NDArray[np.float32],
    *,
    predicted: NDArray[np.float32],
    recorded: NDArray[np.float32],
    executed: int,
    first: int,
    side: int,
) -> Callable[[Frame, int], Frame]:
    """Return what draws the tool's predicted and recorded way into a scene's square picture."""
    planned, done = (
        scene.project(scene.tool_positions(densify(np.concatenate([state[None], actions]))), side)
        for actions in (predicted, recorded)
    )
    path = plan_path(planned, executed=executed, size=side)
    pale = np.rint(done * 2**_SHIFT).astype(np.int32)

    def draw(picture: Frame, frame: int) -> Frame:
        cv2.polylines(picture, [pale], False, RECORDED, 2, cv2.LINE_AA, _SHIFT)
        return blend(picture, [path_layer(path, step=frame - first, size=side)])

    return draw


def _pictures(dataset: Dataset, episode: Episode) -> Iterator[list[Frame]]:
    """Yield what the first cameras saw, frame after frame."""
    cameras = dataset.info.cameras[:_MOST_CAMERAS]
    decoders = [decode_episode(dataset, episode, camera) for camera in cameras]
    yield from (list(pictures) for pictures in zip(*decoders, strict=True))


def _headings(title: FilmTitle, episode: int, size: int) -> list[Layer]:
    key = round(0.36 * size)
    return [
        _at(title.run, size),
        _at(title.dataset, size, line=1, colour=GREY),
        replace(_at("predicted", size, colour=PREDICTED), left=key),
        replace(_at("recorded", size, line=1, colour=RECORDED), left=key),
        _at(title.checkpoint, size, right=True, colour=GREY),
        replace(_at(f"episode {episode}", size, line=1, colour=GREY), left=round(0.62 * size)),
    ]


def _at(
    text: str, size: int, *, line: int = 0, right: bool = False, colour: Colour = WHITE
) -> Layer:
    """Return a text in the captions' row above the pictures."""
    layer = text_layer(text, size=round(_TEXT * size), line=line, right=right, colour=colour)
    margin = round(0.015 * size)
    left = size - margin - layer.alpha.shape[1] if right else margin
    return replace(layer, top=margin + line * round(_CAPTIONS * size / 2 - margin / 2), left=left)
