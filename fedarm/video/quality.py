"""Is there anything to see in a video?"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

# Black is 16 in limited range and 0 in full range; a dark but lit scene is well above 20.
BLACK_LUMA = 18.0

# A video may end up to this much before its record says without being called short: recorders differ
# in whether they keep the first or the last frame.
SHORT_TOLERANCE_S = 0.2


def black_share(luma: NDArray[np.uint8]) -> float:
    """Return the share of frames `(time, height, width)` whose mean luma is black."""
    means = luma.mean(axis=(1, 2), dtype=np.float64)
    return float(np.mean(means <= BLACK_LUMA))


def is_short(duration_s: float, recorded_s: float) -> bool:
    """Return whether a video ends before the episode that its record describes."""
    return duration_s < recorded_s - SHORT_TOLERANCE_S
