"""Recorded pictures in films: cameras side by side, at the film's own rate."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from fedarm.rollout.layers import Colour

Frame = NDArray[np.uint8]

GROUND: Colour = (12, 14, 20)


def camera_strip(pictures: Sequence[Frame], *, width: int, height: int) -> Frame:
    """Return pictures side by side in a strip, each as large as fits, its aspect kept."""
    strip = np.full((height, width, 3), GROUND, dtype=np.uint8)
    room = width // len(pictures)
    for index, picture in enumerate(pictures):
        scale = min(room / picture.shape[1], height / picture.shape[0])
        columns, rows = round(picture.shape[1] * scale), round(picture.shape[0] * scale)
        method = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
        left, top = room * index + (room - columns) // 2, (height - rows) // 2
        strip[top : top + rows, left : left + columns] = cv2.resize(
            picture, (columns, rows), interpolation=method
        )
    return strip


def frame_repeats(frame: int, fps: float, film_fps: float) -> int:
    """Return how often a film shows a frame of a recording, so that it runs in real time."""
    return round((frame + 1) * film_fps / fps) - round(frame * film_fps / fps)
