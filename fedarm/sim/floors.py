"""The table's texture, drawn from its colours."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from fedarm.sim.looks import Look

SIZE_PX = 1024
# What one texture covers of the table.
SIDE_M = 1.6

_MAT_CELL_M = 0.05
_PLANK_WIDTH_M = 0.10
_PLANK_LENGTH_M = 0.80
_PX_PER_M = SIZE_PX / SIDE_M

# `(row, column)` each: how bright the floor's colour is, and where lines are instead.
_Drawing = tuple[NDArray[np.float64], NDArray[np.bool_]]


# Tasks share their looks.
@lru_cache(maxsize=4)
def floor_texture(look: Look) -> NDArray[np.uint8]:
    """Return a texture `(row, column, channel)` of a look's floor; not to be changed."""
    draw = {"mat": _mat, "planks": _planks, "plain": _plain}[look.floor]
    tone, lines = draw(np.random.default_rng(0))
    texture = np.empty((SIZE_PX, SIZE_PX, 3), np.uint8)
    for channel, (floor, line) in enumerate(zip(look.floor_rgb, look.line_rgb, strict=True)):
        texture[..., channel] = np.clip(np.where(lines, line, floor * tone) * 255, 0, 255)
    return texture


def _plain(rng: np.random.Generator) -> _Drawing:
    """A tabletop with a fine grain."""
    return 1 + 0.03 * _smooth_noise(rng, cells=(256, 256)), np.zeros((1, 1), np.bool_)


def _mat(rng: np.random.Generator) -> _Drawing:
    """A cutting mat with a grid of thin lines."""
    cells = np.arange(SIZE_PX) / _PX_PER_M / _MAT_CELL_M
    line = np.abs(cells - np.round(cells)) * _MAT_CELL_M < 0.0012
    return _plain(rng)[0], line[:, None] | line[None, :]


def _planks(rng: np.random.Generator) -> _Drawing:
    """Boards that run along the columns, each of its own tone, with joints and grain."""
    x = np.arange(SIZE_PX) / _PX_PER_M
    board = (x // _PLANK_WIDTH_M).astype(int)
    offsets = rng.uniform(0, _PLANK_LENGTH_M, board.max() + 1)
    along = x[:, None] + offsets[board][None, :]
    piece = (along // _PLANK_LENGTH_M).astype(int)
    tones = 1 + 0.07 * rng.standard_normal((piece.max() + 1, board.max() + 1))
    grain = 1 + 0.05 * _smooth_noise(rng, cells=(8, 512))
    joint = (along % _PLANK_LENGTH_M < 0.003) | (x % _PLANK_WIDTH_M < 0.003)[None, :]
    return tones[piece, board[None, :]] * grain, joint


def _smooth_noise(rng: np.random.Generator, *, cells: tuple[int, int]) -> NDArray[np.float64]:
    """Return noise `(row, column)` that varies over `cells` cells, linear between them."""
    noise = rng.standard_normal(cells)
    for axis, count in enumerate(cells):
        position = np.arange(SIZE_PX) * (count - 1) / (SIZE_PX - 1)
        low = np.minimum(position.astype(int), count - 2)
        weight = np.expand_dims(position - low, 1 - axis)
        noise = noise.take(low, axis) * (1 - weight) + noise.take(low + 1, axis) * weight
    return noise
