"""Predicted beside recorded actions over an episode, a chart a joint, for any robot and any camera.

The recorded action is a pale line over the whole episode. At each look the predicted chunk is drawn over
it, and where it would have been executed it stays, darker, when the next look replaces it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from fedarm.rollout.captions import GREY, text_layer
from fedarm.rollout.layers import Colour, blend

PREDICTED: Colour = (112, 250, 214)
RECORDED: Colour = (236, 238, 242)
_EXECUTED: Colour = (46, 128, 112)
_GROUND: Colour = (22, 26, 34)
_CURSOR: Colour = (120, 128, 140)

_COLUMNS = 2
# OpenCV draws between pixels when coordinates come shifted by so many bits.
_SHIFT = 4
# Shares of a chart: room for its heading, and around the curves.
_HEADING, _EDGE = 0.3, 0.06
# A joint that hardly moves fills no chart: its range is at least this wide.
_LEAST_RANGE = 5.0

Frame = NDArray[np.uint8]
Curve = NDArray[np.floating]


class StripCharts:
    """The charts of one episode, as a picture that grows.

    Args:
        recorded: Actions `(frame, joint)` of the episode.
        predicted: All predictions in it, `(prediction, joint)`, for the charts' ranges.
        headings: What to write over each chart: joint and unit.
        width: Of the picture, in pixels.
        height: Of the picture, in pixels.
    """

    def __init__(
        self,
        recorded: Curve,
        predicted: Curve,
        *,
        headings: Sequence[str],
        width: int,
        height: int,
    ) -> None:
        self._frames = len(recorded)
        everything = np.concatenate([recorded, predicted])
        self._low, self._high = everything.min(axis=0), everything.max(axis=0)
        missing = np.maximum(_LEAST_RANGE - (self._high - self._low), 0) / 2
        self._low, self._high = self._low - missing, self._high + missing
        lines = math.ceil(len(headings) / _COLUMNS)
        self._cells = [
            (width * (i % _COLUMNS) // _COLUMNS, height * (i // _COLUMNS) // lines)
            for i in range(len(headings))
        ]
        self._cell_size = (width // _COLUMNS, height // lines)
        self._settled: Frame = np.full((height, width, 3), _GROUND, dtype=np.uint8)
        self._write_headings(headings)
        self._draw(self._settled, recorded, 0, colour=RECORDED)
        self._shown = self._settled.copy()

    def predict(self, chunk: Curve, *, frame: int, executed: int) -> None:
        """Show what is predicted at a frame, until the next prediction replaces it.

        Args:
            chunk: `(step, joint)`, without padding.
            frame: The frame at which the policy looks.
            executed: Actions of it that would be executed.
        """
        self._shown = self._settled.copy()
        self._draw(self._shown, chunk, frame, colour=PREDICTED)
        self._draw(self._settled, chunk[: executed + 1], frame, colour=_EXECUTED)

    def picture(self, frame: int) -> Frame:
        """Return the charts with a cursor at a frame, `(height, width, channel)`."""
        picture = self._shown.copy()
        for cell in range(len(self._cells)):
            ends = self._points(
                np.array([self._low[cell], self._high[cell]]), frame, cell, step_frames=0
            )
            cv2.polylines(picture, [ends], False, _CURSOR, 1, cv2.LINE_AA, _SHIFT)
        return picture

    def _write_headings(self, headings: Sequence[str]) -> None:
        # Letters as high as fit over the curves.
        size = self._cell_size[0]
        layers = [
            replace(text_layer(text, size=size, colour=GREY), top=top, left=left + 4)
            for text, (left, top) in zip(headings, self._cells, strict=True)
        ]
        ranges = [
            text_layer(f"{low:.0f} to {high:.0f}", size=size, right=True, colour=GREY)
            for low, high in zip(self._low, self._high, strict=True)
        ]
        layers += [
            replace(layer, top=top, left=left + size - layer.alpha.shape[1] - 8)
            for layer, (left, top) in zip(ranges, self._cells, strict=True)
        ]
        self._settled = blend(self._settled, layers)

    def _draw(self, picture: Frame, curve: Curve, first: int, *, colour: Colour) -> None:
        for cell in range(len(self._cells)):
            points = self._points(curve[:, cell], first, cell, step_frames=1)
            cv2.polylines(picture, [points], False, colour, 1, cv2.LINE_AA, _SHIFT)

    def _points(
        self, values: Curve, first: int, cell: int, *, step_frames: int
    ) -> NDArray[np.int32]:
        """Return a curve's points for OpenCV, `(point, xy)`."""
        (left, top), (width, height) = self._cells[cell], self._cell_size
        share = (first + step_frames * np.arange(len(values))) / max(self._frames - 1, 1)
        rise = (values - self._low[cell]) / (self._high[cell] - self._low[cell])
        x = left + width * (_EDGE / 2 + (1 - _EDGE) * share)
        y = top + height * (1 - _EDGE - (1 - _HEADING - 2 * _EDGE) * rise)
        shifted = np.rint(np.column_stack([x, y]) * 2**_SHIFT)
        return np.asarray(shifted, dtype=np.int32)
