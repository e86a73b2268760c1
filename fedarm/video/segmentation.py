"""Regions of a picture by colour."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

Rgb = tuple[int, int, int]
Mask = NDArray[np.bool_]
Lab = NDArray[np.float32]

# Lab chroma under which a colour has no hue to speak of: white, grey, black.
_NEUTRAL_CHROMA = 12.0
# Shadow and light change lightness and chroma, hardly the hue.
_HUE_TOLERANCE_DEG = 22.0
_CHROMA_SHARE = 0.35
_LIGHTNESS_TOLERANCE = 18.0
# Upright faces are darker than what lies flat in light from above: a third in the lab's.
_SHADED_SHARE = 0.85

# Smaller regions are noise: share of the picture's pixels.
_MIN_AREA_SHARE = 2e-4


def to_lab(rgb: NDArray[np.uint8]) -> Lab:
    """Return a picture `(height, width, channel)` in CIE Lab, lightness from 0 to 100."""
    return np.asarray(cv2.cvtColor(rgb.astype(np.float32) / 255, cv2.COLOR_RGB2LAB), np.float32)


def colour_mask(lab: Lab, rgb: Rgb) -> Mask:
    """Return the pixels `(height, width)` of a colour: by hue, or by lightness when it has none."""
    lightness, a, b = _lab_of(rgb)
    chroma = np.hypot(lab[..., 1], lab[..., 2])
    reference = float(np.hypot(a, b))
    if reference < _NEUTRAL_CHROMA:
        near = np.abs(lab[..., 0] - lightness) < _LIGHTNESS_TOLERANCE
        return np.asarray(near & (chroma < _NEUTRAL_CHROMA))
    cosine = (lab[..., 1] * a + lab[..., 2] * b) / np.maximum(chroma * reference, 1e-6)
    same_hue = cosine > np.cos(np.radians(_HUE_TOLERANCE_DEG))
    return np.asarray(same_hue & (chroma > _CHROMA_SHARE * reference))


def look_alike(first: Rgb, second: Rgb) -> bool:
    """Return whether two colours cannot be told apart by their hue."""
    return bool(np.any(colour_mask(_lab_of(first)[None, None], second)))


def shaded_part(lab: Lab, mask: Mask) -> Mask:
    """Return the pixels of a mask that are clearly darker than most of it: upright faces."""
    usual = np.median(lab[..., 0][mask]) if mask.any() else 0.0
    return np.asarray(mask & (lab[..., 0] < _SHADED_SHARE * usual))


def regions(mask: Mask) -> list[Mask]:
    """Return the connected regions of a mask that are large enough to be things, largest first."""
    # Opening drops lines of one pixel: where two colours meet, compression mixes a third.
    opened = cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_OPEN, np.ones((2, 2), np.uint8))
    count, labels, table, _ = cv2.connectedComponentsWithStats(opened, connectivity=4)
    areas = table[:, cv2.CC_STAT_AREA]
    order = sorted(range(1, count), key=lambda label: (-areas[label], label))
    smallest = max(_MIN_AREA_SHARE * mask.size, 6)
    return [np.asarray(labels == label) for label in order if areas[label] >= smallest]


def bounding_box(mask: Mask) -> tuple[int, int, int, int]:
    """Return left, top, right and bottom of a region, the last two beyond its last pixel."""
    rows = np.flatnonzero(mask.any(axis=1))
    columns = np.flatnonzero(mask.any(axis=0))
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1


def _lab_of(rgb: Rgb) -> NDArray[np.float32]:
    return np.asarray(to_lab(np.array([[rgb]], dtype=np.uint8))[0, 0])
