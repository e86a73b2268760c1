"""Did it work? Judged by the last frame alone, as an onlooker would.

The video's record says what to look for (`final_frame_check`): the colours of the object and of the
goal, and how the one should lie to the other. Everything else comes from the pixels, so the judgement
is a check on the environment's own flag. It cannot see what one frame does not show: whether the object
was lifted, or is at rest, or is let go. A cube that is still held over its goal passes, a white disc
beside a white arm may not be found, and within half a centimetre of the tolerance it is a coin's toss.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from fedarm.errors import VideoError, suggest
from fedarm.video.segmentation import (
    Lab,
    Mask,
    bounding_box,
    colour_mask,
    look_alike,
    regions,
    shaded_part,
    to_lab,
)

Ellipse = tuple[tuple[float, float], tuple[float, float], float]

RELATIONS = ("on_disc", "stacked")

# Seen from 30 to 60 degrees above, the middle of a cube's base is this share of its visible height above
# its lowest pixel (0.18 to 0.32); and this share of the height of its upright faces alone.
_BASE_SHARE = 0.25
_BASE_SHARE_OF_SIDES = 0.43
# The top face is at most this many times as high in the picture as the upright faces (tan 60 degrees).
_TOP_HEIGHT = 1.75
# Off the picture's middle it leans out of their columns by up to this share of their width.
_TOP_MARGIN = 0.1

# How well a region must look like a disc: the share of its hull that it fills times the share that its
# hull and an ellipse have in common.
_MIN_DISC_LIKENESS = 0.6

# Stacked: the largest sideways offset in goal widths, and the largest gap in heights of the upper cube.
_STACK_OFFSET = 0.5
_STACK_GAP = 0.15


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
    tolerance = hints.get("tolerance", 1.0)
    if not isinstance(tolerance, int | float) or not tolerance > 0:
        raise VideoError(
            "the tolerance must be a positive number of radii",
            key="final_frame_check.tolerance",
            value=tolerance,
            remedy="leave it out, or give the allowed distance over the disc's radius",
        )
    return FinalFrameCheck(relation=relation, tolerance=float(tolerance), **colours)


def judge_last_frame(rgb: NDArray[np.uint8], check: FinalFrameCheck) -> bool | None:
    """Return whether the object is where it should be, or None when it or the goal cannot be seen.

    Args:
        rgb: The last frame `(height, width, channel)`.
        check: What to look for.
    """
    lab = to_lab(rgb)
    object_mask = colour_mask(lab, check.object_rgb)
    if check.relation == "on_disc" and look_alike(check.object_rgb, check.goal_rgb):
        return _stands_on_disc_of_its_colour(lab, object_mask, check.tolerance)
    found = next(iter(regions(object_mask)), None)
    if found is None:
        return None
    goal = colour_mask(lab, check.goal_rgb) & ~found
    if check.relation == "stacked":
        return _is_stacked(found, goal)
    ellipse = _disc_ellipse(goal, hidden_by=found)
    return _is_within(ellipse, _base_of(found, _BASE_SHARE), check.tolerance)


def _stands_on_disc_of_its_colour(lab: Lab, mask: Mask, tolerance: float) -> bool | None:
    """Tell a cube from a disc of the same colour by its upright faces, which are darker."""
    shaded = shaded_part(lab, mask)
    sides = next(iter(regions(shaded)), None)
    if sides is None:
        return None
    # The cube's top face is as light as the disc: it is what lies right above the upright faces.
    left, top, right, bottom = bounding_box(sides)
    cube = np.zeros_like(mask)
    highest = max(top - round(_TOP_HEIGHT * (bottom - top)), 0)
    margin = max(round(_TOP_MARGIN * (right - left)), 1)
    cube[highest : bottom + 1, max(left - margin, 0) : right + margin] = True
    ellipse = _disc_ellipse(mask & ~cube, hidden_by=mask & cube)
    return _is_within(ellipse, _base_of(sides, _BASE_SHARE_OF_SIDES), tolerance)


def _base_of(region: Mask, share: float) -> tuple[float, float]:
    """Return where the middle of a cube's base is, in pixels, from what is seen of the cube."""
    left, top, right, bottom = bounding_box(region)
    return (left + right) / 2, bottom - share * (bottom - top)


def _is_within(
    ellipse: Ellipse | None, point: tuple[float, float], tolerance: float
) -> bool | None:
    """Return whether a point is within `tolerance` radii of a disc; None without a disc."""
    if ellipse is None:
        return None
    (centre_x, centre_y), axes, angle_deg = ellipse
    x, y = point[0] - centre_x, point[1] - centre_y
    turn = np.radians(angle_deg)
    along = np.array([x * np.cos(turn) + y * np.sin(turn), y * np.cos(turn) - x * np.sin(turn)])
    return bool(np.hypot(*(2 * along / np.array(axes))) <= tolerance)


def _disc_ellipse(goal: Mask, *, hidden_by: Mask) -> Ellipse | None:
    """Return the ellipse of the region that looks most like a disc, or None when none does.

    What hides a part of the disc only takes pixels away, so every corner of the convex hull of what is
    left lies on the outline or at the edge of the hidden part: an ellipse through them is that of the
    whole disc.
    """
    candidates = []
    # Joined where the object cuts the disc in two.
    for joined in regions(goal | hidden_by):
        points = np.argwhere(joined & goal)[:, ::-1].astype(np.int32)
        hull = np.asarray(cv2.convexHull(points), np.int32) if len(points) else points
        if len(hull) < 5:
            continue
        centre, axes, angle_deg = cv2.fitEllipse(hull)
        ellipse = ((centre[0], centre[1]), (axes[0], axes[1]), angle_deg)
        likeness = _disc_likeness(joined, hull, ellipse)
        if min(axes) > 0 and likeness >= _MIN_DISC_LIKENESS:
            candidates.append((likeness, ellipse))
    return max(candidates, default=(0.0, None), key=lambda candidate: candidate[0])[1]


def _disc_likeness(region: Mask, hull: NDArray[np.int32], ellipse: Ellipse) -> float:
    """Return how much a region looks like a disc, from 0 to 1."""
    inside = cv2.fillConvexPoly(np.zeros(region.shape, np.uint8), hull, 1) > 0
    oval = cv2.ellipse(np.zeros(region.shape, np.uint8), ellipse, 1, -1) > 0
    filled = (region & inside).sum() / inside.sum()
    return float(filled * (inside & oval).sum() / (inside | oval).sum())


def _is_stacked(found: Mask, goal: Mask) -> bool | None:
    """Whether the object stands on the goal cube: above it, touching, and hiding its top face.

    A cube that stands behind the goal is above it in the picture as well, but there the goal is in full
    view and hides the object's lower part: the lower cube shows more of itself than the upper one.
    """
    below = next(iter(regions(goal)), None)
    if below is None:
        return None
    left, top, right, bottom = bounding_box(found)
    goal_left, _, goal_right, _ = bounding_box(below)
    offset = abs(left + right - goal_left - goal_right) / 2
    gap = _gap_below(found, below)
    return bool(
        offset <= _STACK_OFFSET * (goal_right - goal_left)
        and gap is not None
        and abs(gap) <= _STACK_GAP * (bottom - top)
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
