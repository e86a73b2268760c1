"""An interval with its ends, and the normal quantile behind a confidence."""

from __future__ import annotations

from dataclasses import dataclass

from scipy.special import ndtri

from fedarm.errors import ResultsError

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Interval:
    """A confidence interval; an end may be infinite."""

    low: float
    high: float

    @property
    def half_width(self) -> float:
        """Half the distance between the ends."""
        return (self.high - self.low) / 2


def normal_quantile(confidence: float) -> float:
    """Return the normal quantile of a two-sided confidence: 1.96 for 0.95.

    Raises:
        ResultsError: The confidence is not between 0 and 1.
    """
    if not 0 < confidence < 1:
        raise ResultsError(
            "a confidence lies between 0 and 1",
            key="confidence",
            value=confidence,
            remedy="write 95 % as 0.95",
        )
    return float(ndtri((1 + confidence) / 2))
