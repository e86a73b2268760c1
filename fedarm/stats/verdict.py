"""What an interval of the ratio of success says: the verdict at given margins.

A margin is the share of the reference's success that may be lost: 0.1 means that the candidate keeps
more than 90 %. Against one margin m, with the ends of the 95 % interval of candidate over reference:

    low  > 1 - m    non-inferior within m
    high < 1 - m    inferior: it loses more than m, even at the interval's favourable end
    otherwise       inconclusive: the data allow both

Against several margins, tested in a fixed sequence from the widest to the strictest until one fails, the
verdict is the strictest margin within which the candidate is non-inferior. Passing a strict margin
implies passing a wider one, so the sequence costs no error rate: the chance of a false "non-inferior" is
2.5 % over all margins together. If it is not even non-inferior within the widest margin, the verdict is
"inferior" when the whole interval lies below `1 - widest margin`, and "inconclusive" otherwise. An
interval wholly between 0.8 and 1 is thus "non-inferior within 20 %": certainly worse, but within what
was declared beforehand as tolerable.
"""

from __future__ import annotations

from collections.abc import Sequence

from fedarm.errors import ResultsError
from fedarm.stats.interval import Interval

INFERIOR = "inferior"
INCONCLUSIVE = "inconclusive"


def decide(ratio_ci: Interval, margins: Sequence[float]) -> str:
    """Return the verdict on a candidate: the strictest margin that it keeps, or why there is none.

    Args:
        ratio_ci: The 95 % interval of candidate over reference.
        margins: Shares of the reference's success that may be lost, in any order; one for the verdict
            against that margin alone.

    Raises:
        ResultsError: There are no margins, one is not between 0 and 1, or the interval has no ends.
    """
    _check(ratio_ci, margins)
    kept = [margin for margin in margins if ratio_ci.low > 1 - margin]
    if kept:
        return f"non-inferior within {percent(min(kept))}"
    if ratio_ci.high < 1 - max(margins):
        return INFERIOR
    return INCONCLUSIVE


def percent(share: float) -> str:
    """Return a share as in "10 %" or "2.5 %"."""
    return f"{100 * share:.6g} %"


def _check(ratio_ci: Interval, margins: Sequence[float]) -> None:
    if not margins or not all(0 < margin < 1 for margin in margins):
        raise ResultsError(
            "margins must lie between 0 and 1, and there must be at least one",
            key="margins",
            value=list(margins),
            remedy="write a tolerated loss of ten percent as 0.1",
        )
    if not ratio_ci.low <= ratio_ci.high:
        raise ResultsError(
            "an interval needs a low end that is not above its high end",
            key="ratio_ci",
            value=(ratio_ci.low, ratio_ci.high),
            remedy="use (0, inf) where the ratio is undefined",
        )
