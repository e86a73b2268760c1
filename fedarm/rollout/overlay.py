"""What the policy is about to do, drawn into the picture.

The predicted joint targets go through forward kinematics to positions of the tool and through the camera
to pixels: a path that fades along the horizon. Its executed part is wide, what will be predicted anew is
thin. The gripper's command is a row of bars, one a predicted action.

Each pixel near the path knows how far the path is and which of its points is nearest; edges, colours and
the fading follow from these two numbers. They are computed once a chunk, because the camera stands still.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fedarm.rollout.captions import margin_px
from fedarm.rollout.layers import Colour, Layer, flatten

# Along the horizon: amber, rose, violet.
_GRADIENT = np.array([[255, 214, 92], [255, 110, 140], [160, 100, 255]], dtype=np.float32)
_HALO_COLOUR: Colour = (10, 12, 18)
_NOW_COLOUR: Colour = (255, 255, 255)

_ALPHA_NOW, _ALPHA_HORIZON, _ALPHA_DONE = 1.0, 0.5, 0.25
_HALO_ALPHA = 0.5
# Shares of the frame's side.
_WIDE, _THIN, _HALO, _DOT = 0.0145, 0.0075, 0.006, 0.0125
_BAR_WIDTH, _BAR_HEIGHT = 0.0105, 0.058

# Points a control step: joint targets are joined by straight lines in joint space, curves in the picture.
POINTS_A_STEP = 4


@dataclass(frozen=True)
class PlannedPath:
    """The tool's predicted way, around which each pixel knows the nearest point.

    Attributes:
        points_px: `(point, 2)`, pixels (x, y), `POINTS_A_STEP` a control step, the first where the tool
            is when the policy looks.
        executed: Control steps until the policy looks again.
        top: First row of the arrays below in the frame.
        left: First column.
        distance_px: `(height, width)`, to the path.
        nearest: `(height, width)`, the nearest place on the path, in control steps from its start.
    """

    points_px: NDArray[np.float32]
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
    points = np.asarray(points_px, dtype=np.float32)
    left, top, right, bottom = _window(points, _reach_px(size), size)
    distance = np.full((bottom - top, right - left), np.inf, dtype=np.float32)
    nearest = np.zeros_like(distance)
    for index, segment in enumerate(zip(points[:-1], points[1:], strict=True)):
        # Pixels out of a segment's reach stay as they are: most of the window, most of the time.
        x0, y0, x1, y1 = _window(np.stack(segment), _reach_px(size), size)
        part = np.s_[y0 - top : y1 - top, x0 - left : x1 - left]
        apart, share = _distance_to_segment(*segment, rows=(y0, y1), columns=(x0, x1))
        closer = apart < distance[part]
        distance[part] = np.where(closer, apart, distance[part])
        nearest[part] = np.where(closer, (index + share) / POINTS_A_STEP, nearest[part])
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


def dot_layer(path: PlannedPath, *, step: float, size: int) -> Layer:
    """Return where the tool should be, between two control steps too: a white dot with a dark rim.

    Args:
        path: The predicted way.
        step: Control steps since the policy looked.
        size: Side of the frame, in pixels.
    """
    places = np.arange(len(path.points_px)) / POINTS_A_STEP
    point = np.array([np.interp(step, places, column) for column in path.points_px.T], np.float32)
    left, top, right, bottom = _window(point[None], _reach_px(size), size)
    distance, _ = _distance_to_segment(point, point, rows=(top, bottom), columns=(left, right))
    rim = _coverage((_DOT + _HALO) * size - distance) * _HALO_ALPHA
    dot = _coverage(_DOT * size - distance)
    return flatten(
        [
            Layer.tinted(rim, _HALO_COLOUR, top=top, left=left),
            Layer.tinted(dot, _NOW_COLOUR, top=top, left=left),
        ]
    )


def gripper_layer(gripper: NDArray[np.floating], *, executed: int, step: int, size: int) -> Layer:
    """Return the gripper's commands as bars in the lower right corner: high is open.

    Args:
        gripper: `(action,)`, percent open.
        executed: Actions that are executed before the policy looks again.
        step: Control steps since the policy looked; the bar of the action under way is white.
        size: Side of the frame, in pixels.
    """
    bar, height = max(2, round(_BAR_WIDTH * size)), round(_BAR_HEIGHT * size)
    pitch = bar + max(1, bar // 3)
    alpha = np.zeros((height, (len(gripper) - 1) * pitch + bar, 1), dtype=np.float32)
    colour = np.zeros((*alpha.shape[:2], 3), dtype=np.float32)
    for index, percent in enumerate(gripper):
        columns = slice(index * pitch, index * pitch + bar)
        top = height - max(1, round(float(np.clip(percent, 0, 100)) / 100 * height))
        now = index == step
        tint = np.float32(_NOW_COLOUR) if now else _gradient(index / max(len(gripper) - 1, 1))
        level = 1.0 if now else _ALPHA_HORIZON if index < step or index >= executed else 0.85
        # The empty part of a bar is faintly visible, so that closed is not nothing to see.
        alpha[:top, columns], colour[:top, columns] = 0.2, 0.2 * 255
        alpha[top:, columns], colour[top:, columns] = level, level * tint
    margin = margin_px(size)
    return Layer(size - margin - height, size - margin - alpha.shape[1], colour, alpha)


def _distance_to_segment(
    start: NDArray[np.float32],
    end: NDArray[np.float32],
    *,
    rows: tuple[int, int],
    columns: tuple[int, int],
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return how far the pixels of a window are from a segment, and where on it, 0 (start) to 1."""
    x = np.arange(*columns, dtype=np.float32)[None, :] - start[0]
    y = np.arange(*rows, dtype=np.float32)[:, None] - start[1]
    way_x, way_y = end - start
    length_squared = max(float(way_x**2 + way_y**2), 1e-6)
    share = np.clip((x * way_x + y * way_y) / length_squared, 0.0, 1.0)
    return np.hypot(x - share * way_x, y - share * way_y), share


def _window(points: NDArray[np.float32], reach: int, size: int) -> tuple[int, int, int, int]:
    """Return left, top, right, bottom of what lies within reach of points `(point, 2)` in a frame."""
    left, top = np.clip(np.floor(points.min(axis=0)).astype(int) - reach, 0, size)
    right, bottom = np.clip(np.ceil(points.max(axis=0)).astype(int) + reach + 1, 0, size)
    return int(left), int(top), int(max(left, right)), int(max(top, bottom))


def _reach_px(size: int) -> int:
    """Return how far from a point of the path anything is drawn."""
    return int(np.ceil(max(_WIDE / 2 + _HALO, _DOT + _HALO) * size)) + 1


def _coverage(inside_px: NDArray[np.floating]) -> NDArray[np.float32]:
    """Return the share of a pixel that is inside an edge `inside_px` away (negative: outside)."""
    return np.clip(inside_px + 0.5, 0.0, 1.0).astype(np.float32)


def _gradient(along: NDArray[np.floating] | float) -> NDArray[np.float32]:
    """Return the colour `(..., 3)` at shares of the horizon, 0 to 1."""
    position = np.clip(np.asarray(along), 0.0, 1.0) * (len(_GRADIENT) - 1)
    stops = np.arange(len(_GRADIENT))
    channels = [np.interp(position, stops, _GRADIENT[:, channel]) for channel in range(3)]
    return np.stack(channels, axis=-1).astype(np.float32)
