"""What the policy is about to do, drawn into the picture.

The predicted joint targets go through forward kinematics to positions of the tool and through the camera
to pixels: a path that fades along the horizon. Its executed part is wide, what will be predicted anew is
thin. The gripper's command is a row of bars, one a predicted action.

Each pixel near the path knows how far the path is and which of its points is nearest; edges, colours
and fading follow from these two numbers. They are computed once a chunk: the camera stands still.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fedarm.rollout.captions import margin_px
from fedarm.rollout.layers import Colour, Layer, flatten

# Along the horizon: mint, sky, orchid. They stand out from arms, tables and cubes alike.
_GRADIENT = np.array([[112, 250, 214], [126, 190, 255], [244, 108, 255]], dtype=np.float32)
_HALO_COLOUR: Colour = (10, 12, 18)
_NOW_COLOUR: Colour = (255, 255, 255)

_ALPHA_NOW, _ALPHA_HORIZON, _ALPHA_DONE = 1.0, 0.5, 0.25
_HALO_ALPHA = 0.5
_ALPHA_EMPTY_BAR = 0.25
# Where the tool goes down and up the same way, what it does first is shown, not a mixture.
_CLEARLY_NEARER_PX = 1.0
# Shares of the frame's side.
_WIDE, _THIN, _HALO, _DOT = 0.0145, 0.0075, 0.006, 0.0125
_BAR_WIDTH, _BAR_HEIGHT = 0.0105, 0.058

# Points a control step: straight lines between joint targets are curves in the picture.
POINTS_A_STEP = 4
FULL_BAR_PERCENT = 60.0


@dataclass(frozen=True)
class PlannedPath:
    """The tool's predicted way, around which each pixel knows the nearest point.

    Attributes:
        points_px: Pixels (x, y), `POINTS_A_STEP` a control step, the first where the tool is when the
            policy looks.
        executed: Control steps until the policy looks again.
        top: First row of the arrays below in the frame.
        left: First column.
        distance_px: `(height, width)`, to the path.
        nearest: `(height, width)`, the nearest place on the path, in control steps from its start; the
            first of several that are equally near.
    """

    points_px: list[list[float]]
    executed: int
    top: int
    left: int
    distance_px: NDArray[np.float32]
    nearest: NDArray[np.float32]


def densify(joints: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return joint targets `(step, joint)` with `POINTS_A_STEP - 1` points between neighbours."""
    steps = np.arange(len(joints))
    fine = np.linspace(0, len(joints) - 1, (len(joints) - 1) * POINTS_A_STEP + 1)
    return np.stack([np.interp(fine, steps, column) for column in joints.T], axis=1)


def plan_path(points_px: NDArray[np.floating], *, executed: int, size: int) -> PlannedPath:
    """Return a path in a square frame, ready to be drawn at any control step.

    Args:
        points_px: `(point, 2)`, at least two, `POINTS_A_STEP` a control step; they may leave the frame.
        executed: Control steps until the policy looks again.
        size: Side of the frame, in pixels.
    """
    points = np.asarray(points_px, dtype=np.float64).tolist()
    left, top, right, bottom = _window(points, reach=_reach_px(size), size=size)
    distance = np.full((bottom - top, right - left), np.inf, dtype=np.float32)
    owner_distance, nearest = distance.copy(), np.zeros_like(distance)
    for index, segment in enumerate(pairwise(points)):
        # Pixels out of a segment's reach stay as they are: most of the window, most of the time.
        x0, y0, x1, y1 = _window(segment, reach=_reach_px(size), size=size)
        part = np.s_[y0 - top : y1 - top, x0 - left : x1 - left]
        apart, share = _distance_to_segment(*segment, rows=(y0, y1), columns=(x0, x1))
        closer = apart < owner_distance[part] - _CLEARLY_NEARER_PX
        owner_distance[part] = np.where(closer, apart, owner_distance[part])
        nearest[part] = np.where(closer, (index + share) / POINTS_A_STEP, nearest[part])
        distance[part] = np.minimum(distance[part], apart)
    return PlannedPath(points, executed, top, left, distance, nearest)


def path_layer(path: PlannedPath, *, step: int, size: int) -> Layer:
    """Return the path as it looks at a control step of its chunk.

    Args:
        path: The predicted way.
        step: Control steps since the policy looked; the path behind them is faint.
        size: Side of the frame, in pixels.
    """
    last = (len(path.points_px) - 1) / POINTS_A_STEP
    ahead = np.clip((path.nearest - step) / max(last - step, 1.0), 0.0, 1.0)
    done = path.nearest < step
    fade = np.where(done, _ALPHA_DONE, _ALPHA_NOW + (_ALPHA_HORIZON - _ALPHA_NOW) * ahead)
    half_width = np.where(path.nearest <= path.executed, _WIDE, _THIN) * size / 2
    core = _coverage(half_width - path.distance_px) * fade
    halo = _coverage(half_width + _HALO * size - path.distance_px) * fade * _HALO_ALPHA
    tint = _gradient(path.nearest / last)
    coloured = Layer(path.top, path.left, core[..., None] * tint, core[..., None])
    dark = Layer.tinted(halo, _HALO_COLOUR, top=path.top, left=path.left)
    return flatten([dark, coloured])


def dot_layers(path: PlannedPath, *, steps: ArrayLike, size: int) -> list[Layer]:
    """Return where the tool should be at some times: white dots with a dark rim, one a layer.

    Args:
        path: The predicted way.
        steps: Control steps since the policy looked; times between two of them, too.
        size: Side of the frame, in pixels.
    """
    points = np.array(path.points_px)
    place = np.minimum(np.asarray(steps) * POINTS_A_STEP, len(points) - 1)
    before, part = np.floor(place).astype(int), (place % 1)[:, None]
    middle = (1 - part) * points[before] + part * points[np.ceil(place).astype(int)]
    # The same window around each; `blend` cuts off what is outside of the frame.
    reach = _reach_px(size)
    corner = np.floor(middle).astype(int) - reach
    pixels = (corner[..., None] + np.arange(2 * reach + 2)).astype(np.float32)
    x, y = np.moveaxis(pixels - middle[..., None].astype(np.float32), 1, 0)
    distance = np.hypot(x[:, None, :], y[:, :, None])[..., None]
    rim = _coverage((_DOT + _HALO) * size - distance) * _HALO_ALPHA
    dot = _coverage(_DOT * size - distance)
    colour = rim * _array(_HALO_COLOUR) * (1 - dot) + dot * _array(_NOW_COLOUR)
    alpha = rim * (1 - dot) + dot
    return [
        Layer(int(top), int(left), *layer)
        for (left, top), *layer in zip(corner, colour, alpha, strict=True)
    ]


def gripper_layer(gripper: NDArray[np.floating], *, executed: int, step: int, size: int) -> Layer:
    """Return the gripper's commands as bars in the upper right corner: high is open.

    A full bar is `FULL_BAR_PERCENT` or more: a gripper that works on small things opens no wider.

    Args:
        gripper: `(action,)`, percent open.
        executed: Actions that are executed before the policy looks again.
        step: Control steps since the policy looked; the bar of the action under way is white.
        size: Side of the frame, in pixels.
    """
    bar, height = max(2, round(_BAR_WIDTH * size)), round(_BAR_HEIGHT * size)
    index = np.arange(len(gripper))
    level = np.where((index < step) | (index >= executed), _ALPHA_HORIZON, 0.9)
    level = np.where(index == step, 1.0, level)
    tint = np.where((index == step)[:, None], _NOW_COLOUR, _gradient(index / max(index[-1], 1)))
    filled_px = np.maximum(np.rint(np.clip(gripper / FULL_BAR_PERCENT, 0, 1) * height), 1)
    # `(height, action)`. The empty part of a bar is faintly visible, so that shut is something to see.
    filled = np.arange(height)[:, None] >= height - filled_px
    alpha = np.where(filled, level, _ALPHA_EMPTY_BAR)[..., None]
    colour = np.where(filled[..., None], level[:, None] * tint, _ALPHA_EMPTY_BAR * 255)
    bars = Layer(0, 0, _with_gaps(colour, bar), _with_gaps(alpha, bar))
    inset = 2 * margin_px(size)
    return replace(bars, top=inset, left=size - inset - bars.alpha.shape[1])


def _with_gaps(cells: NDArray[np.floating], width: int) -> NDArray[np.float32]:
    """Return `(row, cell, channel)` with cells `width` pixels wide and gaps between them."""
    gap = max(1, width // 3)
    wide = np.zeros((*cells.shape[:2], width + gap, cells.shape[2]), dtype=np.float32)
    wide[:, :, :width] = cells[:, :, None]
    return wide.reshape(len(cells), -1, cells.shape[2])[:, :-gap]


def _distance_to_segment(
    start: Sequence[float],
    end: Sequence[float],
    *,
    rows: tuple[int, int],
    columns: tuple[int, int],
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return how far the pixels of a window are from a segment, and where on it, 0 (start) to 1."""
    x = np.arange(*columns, dtype=np.float32)[None, :] - start[0]
    y = np.arange(*rows, dtype=np.float32)[:, None] - start[1]
    way_x, way_y = end[0] - start[0], end[1] - start[1]
    length_squared = max(way_x**2 + way_y**2, 1e-6)
    share = np.minimum(np.maximum((x * way_x + y * way_y) / length_squared, 0.0), 1.0)
    return np.hypot(x - share * way_x, y - share * way_y), share


def _window(
    points: Sequence[Sequence[float]], *, reach: int, size: int
) -> tuple[int, int, int, int]:
    """Return left, top, right, bottom of what lies within reach of points (x, y) in a frame."""
    bounds = []
    for values in zip(*points, strict=True):
        low = min(max(math.floor(min(values)) - reach, 0), size)
        high = min(max(math.ceil(max(values)) + reach + 1, 0), size)
        bounds.append((low, high))
    (left, right), (top, bottom) = bounds
    return left, top, right, bottom


def _reach_px(size: int) -> int:
    """Return how far from a point of the path anything is drawn."""
    return int(np.ceil(max(_WIDE / 2 + _HALO, _DOT + _HALO) * size)) + 1


def _array(colour: Colour) -> NDArray[np.float32]:
    return np.array(colour, dtype=np.float32)


def _coverage(inside_px: NDArray[np.floating]) -> NDArray[np.float32]:
    """Return the share of a pixel that is inside an edge `inside_px` away (negative: outside)."""
    return np.clip(inside_px + 0.5, 0.0, 1.0).astype(np.float32)


def _gradient(along: NDArray[np.floating] | float) -> NDArray[np.float32]:
    """Return the colour `(..., 3)` at shares of the horizon, 0 to 1."""
    position = np.clip(np.asarray(along), 0.0, 1.0) * (len(_GRADIENT) - 1)
    stops = np.arange(len(_GRADIENT))
    channels = [np.interp(position, stops, _GRADIENT[:, channel]) for channel in range(3)]
    return np.stack(channels, axis=-1).astype(np.float32)
