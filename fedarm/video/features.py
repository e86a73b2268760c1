"""What a fitted judgement of success sees of a last frame: where the object lies to its goal."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fedarm.video.segmentation import Mask, bounding_box, colour_mask, regions, to_lab
from fedarm.video.success import FinalFrameCheck

FEATURES = (
    "object_seen",
    "goal_seen",
    "sideways_offset",
    "upright_offset",
    "distance",
    "gap_above",
    "object_area",
    "goal_area",
    "area_ratio",
)

# Offsets are in widths of the goal; beyond this many all are far.
_FAR = 4.0


def final_frame_features(rgb: NDArray[np.uint8], check: FinalFrameCheck) -> tuple[float, ...]:
    """Return the features of a last frame, one for each of `FEATURES`.

    Args:
        rgb: The last frame `(height, width, channel)`.
        check: The colours to look for.
    """
    lab = to_lab(rgb)
    found = next(iter(regions(colour_mask(lab, check.object_rgb))), None)
    hidden = np.zeros(rgb.shape[:2], np.bool_) if found is None else found
    goal = next(iter(regions(colour_mask(lab, check.goal_rgb) & ~hidden)), None)
    areas = [0.0 if mask is None else float(mask.mean()) for mask in (found, goal)]
    ratio = np.log((areas[0] + 1e-4) / (areas[1] + 1e-4))
    offsets = (_FAR,) * 4 if found is None or goal is None else _offsets(found, goal)
    seen = (float(found is not None), float(goal is not None))
    return (*seen, *offsets, *(float(np.sqrt(area)) for area in areas), float(ratio))


def _offsets(found: Mask, goal: Mask) -> tuple[float, ...]:
    """Return sideways, upright and plain distance of the middles, and how far the one is above."""
    left, top, right, bottom = bounding_box(found)
    goal_left, goal_top, goal_right, goal_bottom = bounding_box(goal)
    width = goal_right - goal_left
    sideways = abs(left + right - goal_left - goal_right) / (2 * width)
    upright = (goal_top + goal_bottom - top - bottom) / (2 * width)
    gap = (goal_top - bottom) / width
    distance = float(np.hypot(sideways, upright))
    limited = np.clip([sideways, upright, distance, gap], -_FAR, _FAR)
    return tuple(float(value) for value in limited)
