"""Half-transparent layers that are laid over a frame."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

Colour = tuple[int, int, int]


@dataclass(frozen=True)
class Layer:
    """A picture part that is laid over a frame.

    Attributes:
        top: Its first row in the frame.
        left: Its first column in the frame.
        colour: `(height, width, 3)`, RGB times alpha, 0 to 255.
        alpha: `(height, width, 1)`, 0 (the frame shows) to 1 (the layer hides it).
    """

    top: int
    left: int
    colour: NDArray[np.float32]
    alpha: NDArray[np.float32]

    @cached_property
    def through(self) -> NDArray[np.float32]:
        """How much of each of the frame's channels shows, `(height, width, 3)`."""
        return np.repeat(1.0 - self.alpha, 3, axis=2)

    @classmethod
    def tinted(cls, mask: NDArray[np.float32], colour: Colour, *, top: int, left: int) -> Layer:
        """Return a layer of one colour whose alpha is `mask` `(height, width)`."""
        alpha = np.asarray(mask, dtype=np.float32)[..., None]
        return cls(top, left, alpha * np.array(colour, dtype=np.float32), alpha)


def blend(frame: NDArray[np.uint8], layers: Iterable[Layer]) -> NDArray[np.uint8]:
    """Return a copy of a frame `(height, width, 3)` with layers over it, the last on top.

    What a layer has outside the frame is cut off.
    """
    picture = frame.copy()
    for layer in layers:
        rows, part_rows = _overlap(layer.top, layer.alpha.shape[0], frame.shape[0])
        columns, part_columns = _overlap(layer.left, layer.alpha.shape[1], frame.shape[1])
        covered = picture[rows, columns]
        mixed = covered * layer.through[part_rows, part_columns]
        mixed += layer.colour[part_rows, part_columns]
        # Between 0 and 255: a layer's colour is at most 255 times its alpha.
        covered[...] = np.rint(mixed, out=mixed)
    return picture


def flatten(layers: Iterable[Layer]) -> Layer:
    """Return one layer that looks like several, the last on top; there must be at least one."""
    parts = list(layers)
    top, left = min(part.top for part in parts), min(part.left for part in parts)
    height = max(part.top + part.alpha.shape[0] for part in parts) - top
    width = max(part.left + part.alpha.shape[1] for part in parts) - left
    colour = np.zeros((height, width, 3), dtype=np.float32)
    alpha = np.zeros((height, width, 1), dtype=np.float32)
    for part in parts:
        rows = slice(part.top - top, part.top - top + part.alpha.shape[0])
        columns = slice(part.left - left, part.left - left + part.alpha.shape[1])
        through = 1.0 - part.alpha
        colour[rows, columns] = colour[rows, columns] * through + part.colour
        alpha[rows, columns] = alpha[rows, columns] * through + part.alpha
    return Layer(top, left, colour, alpha)


def _overlap(start: int, length: int, limit: int) -> tuple[slice, slice]:
    """Return the part of `[start, start + length)` within `[0, limit)`, in the frame and the layer."""
    first, last = max(start, 0), min(start + length, limit)
    last = max(first, last)
    return slice(first, last), slice(first - start, last - start)
