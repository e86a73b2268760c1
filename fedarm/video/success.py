"""Did it work? Judged by the last frame alone, as an onlooker would.

The video's record says what to look for (`final_frame_check`): the colours of the object and of the
goal, and how the one should lie to the other. Everything else comes from the pixels, so the judgement
is a check on the environment's own flag. It cannot see what one frame does not show: whether the object
was lifted, or is at rest, or is let go.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from fedarm.errors import VideoError, suggest

Mask = NDArray[np.bool_]

RELATIONS = ("on_disc", "stacked")

# Lab chroma under which a colour has no hue to speak of: white, grey, black.
_NEUTRAL_CHROMA = 12.0
# Shadow and light change lightness and chroma, hardly the hue.
_HUE_TOLERANCE_DEG = 22.0
_CHROMA_SHARE = 0.35
_LIGHTNESS_TOLERANCE = 18.0

# Smaller regions are noise or the overlay's thin lines: share of the picture's pixels.
_MIN_AREA_SHARE = 2e-4

# A cube seen from above at 30 to 60 degrees: the middle of its base is this share of its visible height
# above its lowest pixel (0.18 to 0.32).
_BASE_HEIGHT_SHARE = 0.25

# Stacked: the largest sideways offset in goal widths, and the largest gap between the two in goal
# heights.
_STACK_OFFSET = 0.5
_STACK_GAP = 0.2


@dataclass(frozen=True)
class FinalFrameCheck:
    """What to look for in the last frame.

    Attributes:
        object_rgb: The object's colour, 0 to 255, as it looks in full light.
        goal_rgb: The goal's colour.
        relation: `on_disc` (the object stands on a flat disc) or `stacked` (on a cube of its own size).
        tolerance: For `on_disc`: how far from the middle the object may stand, in radii of the disc.
    """

    object_rgb: tuple[int, int, int]
    goal_rgb: tuple[int, int, int]
    relation: str
    tolerance: float = 1.0


def parse_check(hints: Mapping[str, Any]) -> FinalFrameCheck:
    """Return the check that a video's record describes.

    Raises:
        VideoError: A key is missing, or a value makes no sense.
    """
    remedy = 'give {"object_rgb": [r, g, b], "goal_rgb": [r, g, b], "relation": "on_disc"}'
    colours = {}
    for key in ("object_rgb", "goal_rgb"):
        value = hints.get(key)
        if (
            not isinstance(value, list | tuple)
            or len(value) != 3
            or not all(isinstance(level, int) and 0 <= level <= 255 for level in value)
        ):
            raise VideoError(
                "a colour must be three integers from 0 to 255",
                key=f"final_frame_check.{key}",
                value=value,
                remedy=remedy,
            )
        colours[key] = (value[0], value[1], value[2])
    relation = str(hints.get("relation"))
    if relation not in RELATIONS:
        raise VideoError(
            "unknown relation of object and goal",
            key="final_frame_check.relation",
            value=relation,
            remedy=suggest(relation, RELATIONS),
        )
    return FinalFrameCheck(
        relation=relation, tolerance=float(hints.get("tolerance", 1.0)), **colours
    )


def judge_last_frame(rgb: NDArray[np.uint8], check: FinalFrameCheck) -> bool | None:
    """Return whether the object is where it should be, or None when it or the goal cannot be seen.

    Args:
        rgb: The last frame `(height, width, channel)`.
        check: What to look for.
    """
    lab = _lab(rgb)
    found = _largest_region(_colour_mask(lab, check.object_rgb))
    goal = _colour_mask(lab, check.goal_rgb)
    if found is None:
        return None
    goal &= ~found
    if check.relation == "stacked":
        return _is_stacked(found, goal)
    return _stands_on_disc(found, goal, check.tolerance)


def _lab(rgb: NDArray[np.uint8]) -> NDArray[np.float32]:
    return np.asarray(
        cv2.cvtColor(rgb.astype(np.float32) / 255, cv2.COLOR_RGB2LAB), dtype=np.float32
    )


def _colour_mask(lab: NDArray[np.float32], rgb: tuple[int, int, int]) -> Mask:
    """Return the pixels `(height, width)` of a colour: by hue, or by lightness when it has none."""
    lightness, a, b = _lab(np.array([[rgb]], dtype=np.uint8))[0, 0]
    chroma = np.hypot(lab[..., 1], lab[..., 2])
    reference = float(np.hypot(a, b))
    if reference < _NEUTRAL_CHROMA:
        near = np.abs(lab[..., 0] - lightness) < _LIGHTNESS_TOLERANCE
        return np.asarray(near & (chroma < _NEUTRAL_CHROMA))
    cosine = (lab[..., 1] * a + lab[..., 2] * b) / np.maximum(chroma * reference, 1e-6)
    same_hue = cosine > np.cos(np.radians(_HUE_TOLERANCE_DEG))
    return np.asarray(same_hue & (chroma > _CHROMA_SHARE * reference))


def _largest_region(mask: Mask) -> Mask | None:
    """Return the largest connected region of a mask, or None when it is too small to be a thing."""
    _, labels, table, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=4)
    areas = table[1:, cv2.CC_STAT_AREA]
    if not len(areas) or areas.max() < max(_MIN_AREA_SHARE * mask.size, 6):
        return None
    return np.asarray(labels == 1 + int(areas.argmax()))


def _stands_on_disc(found: Mask, goal: Mask, tolerance: float) -> bool | None:
    """Whether the middle of the object's base is within the disc's ellipse."""
    rim = _rim(goal)
    if rim is None:
        return None
    (centre_x, centre_y), axes, angle_deg = cv2.fitEllipse(rim)
    left, top, right, bottom = _box(found)
    x = (left + right) / 2 - centre_x
    y = bottom - _BASE_HEIGHT_SHARE * (bottom - top) - centre_y
    turn = np.radians(angle_deg)
    along = np.array([x * np.cos(turn) + y * np.sin(turn), y * np.cos(turn) - x * np.sin(turn)])
    radii = np.maximum(np.array(axes) / 2, 1e-6)
    return bool(np.hypot(*(along / radii)) <= tolerance)


def _rim(goal: Mask) -> NDArray[np.int32] | None:
    """Return points on a disc's outline, also when the object or the arm hides a part of it.

    What hides the disc only takes pixels away, so every corner of the convex hull of what is left lies
    on the outline or at the edge of the hidden part: an ellipse through them is that of the whole disc.
    """
    cleaned = cv2.morphologyEx(goal.astype(np.uint8), cv2.MORPH_OPEN, np.ones((2, 2), np.uint8))
    near = _largest_region(cleaned.astype(np.bool_))
    if near is None:
        return None
    # The object can cut the disc in two: take every part that touches the neighbourhood of the largest.
    left, top, right, bottom = _box(near)
    width, height = right - left, bottom - top
    window = np.zeros_like(near)
    window[max(top - height, 0) : bottom + height + 1, max(left - width, 0) : right + width + 1] = (
        True
    )
    points = np.argwhere((cleaned > 0) & window)[:, ::-1].astype(np.int32)
    hull = np.asarray(cv2.convexHull(points), dtype=np.int32)
    return hull if len(hull) >= 5 else None


def _is_stacked(found: Mask, goal: Mask) -> bool | None:
    """Whether the object stands on the goal cube: above it, touching, and hiding its top face.

    A cube that stands behind the goal is above it in the picture as well, but there the goal is in full
    view and hides the object's lower part: the lower cube shows more of itself than the upper one.
    """
    below = _largest_region(goal)
    if below is None:
        return None
    left, _, right, _ = _box(found)
    goal_left, goal_top, goal_right, goal_bottom = _box(below)
    offset = abs(left + right - goal_left - goal_right) / 2
    gap = _gap_below(found, below)
    return bool(
        offset <= _STACK_OFFSET * (goal_right - goal_left)
        and gap is not None
        and abs(gap) <= _STACK_GAP * (goal_bottom - goal_top)
        and found.sum() > below.sum()
    )


def _gap_below(upper: Mask, lower: Mask) -> float | None:
    """Return the rows between two regions, the median over the columns that both have."""
    columns = np.flatnonzero(upper.any(axis=0) & lower.any(axis=0))
    if not len(columns):
        return None
    height = len(upper)
    last_of_upper = height - 1 - upper[::-1, columns].argmax(axis=0)
    first_of_lower = lower[:, columns].argmax(axis=0)
    return float(np.median(first_of_lower - last_of_upper - 1))


def _box(mask: Mask) -> tuple[int, int, int, int]:
    """Return left, top, right and bottom of a region, the last two beyond its last pixel."""
    rows = np.flatnonzero(mask.any(axis=1))
    columns = np.flatnonzero(mask.any(axis=0))
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1
