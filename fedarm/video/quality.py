"""Is there anything to see in a video?"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fedarm.video.findings import Finding, stretches

# Black is 16 in limited range and 0 in full range; a dark but lit scene is well above 20.
BLACK_LUMA = 18.0

# A video may end up to this much before its record says without being called short: recorders differ
# in whether they keep the first or the last frame.
SHORT_TOLERANCE_S = 0.2


def is_black(luma: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return which frames are black, by their mean luma `(frame,)`."""
    return np.asarray(luma <= BLACK_LUMA)


def black_findings(luma: NDArray[np.float64]) -> list[Finding]:
    """Return each stretch of black frames, by the frames' mean luma `(frame,)`."""
    return [
        Finding("black", f"{length} black frames", first_frame=first, frames=length)
        for first, length in stretches(is_black(luma))
    ]


def is_short(duration_s: float, recorded_s: float) -> bool:
    """Return whether a video ends before the episode that its record describes."""
    return duration_s < recorded_s - SHORT_TOLERANCE_S
