"""Time to success when some episodes never succeed: restricted to a horizon.

The mean time of the successes alone favours an arm that fails where it would have been slow.
Restricted to a horizon, a failure takes the whole of it, and success and speed are in one number that
the crossed t compares as it compares success. Less is better.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from fedarm.errors import ResultsError

Times = npt.NDArray[np.float64]


def restricted_times(success: npt.ArrayLike, time: npt.ArrayLike, *, horizon: float) -> Times:
    """Return the time to success of each episode, and the horizon where there is none by then.

    Args:
        success: Whether an episode succeeded, 0 or 1, of any shape.
        time: When it succeeded, in the horizon's unit (steps or seconds), of the same shape; that of a
            failure is not looked at and may be NaN.
        horizon: When an episode is given up; no later than rollouts end, since what failed earlier is
            taken to go on failing.

    Source: Royston and Parmar 2013, BMC Medical Research Methodology 13:152: the restricted mean is that
    of `min(T, horizon)`, which is the area below the survival curve up to the horizon.

    Raises:
        ResultsError: The shapes differ, a success is not 0 or 1, a success has no time from 0, or the
            horizon is not positive.
    """
    if not (horizon > 0 and math.isfinite(horizon)):
        raise ResultsError(
            "a horizon is a positive time",
            key="horizon",
            value=horizon,
            remedy="use the longest time that an episode may take",
        )
    succeeded, times = np.asarray(success, dtype=np.float64), np.asarray(time, dtype=np.float64)
    _check(succeeded, times)
    return np.where(succeeded == 1, np.minimum(times, horizon), horizon)


def restricted_mean_time(success: npt.ArrayLike, time: npt.ArrayLike, *, horizon: float) -> float:
    """Return the mean time to success, failures counted at the horizon.

    It is the area above the curve of success by time, up to the horizon.

    Arguments and source as for `restricted_times`.

    Raises:
        ResultsError: As for `restricted_times`, or there are no episodes.
    """
    times = restricted_times(success, time, horizon=horizon)
    if times.size == 0:
        raise ResultsError(
            "a mean time needs episodes",
            key="success",
            value=times.shape,
            remedy="check which rollouts were read",
        )
    return float(times.mean())


def _check(success: Times, time: Times) -> None:
    if success.shape != time.shape:
        raise ResultsError(
            "every episode needs a success and a time",
            key="shape",
            value=(success.shape, time.shape),
            remedy="leave out episodes that lack one of the two",
        )
    if not np.isin(success, (0, 1)).all():
        raise ResultsError(
            "an episode succeeds or does not",
            key="success",
            remedy="give 0 or 1 an episode, not a mean over seeds",
        )
    known = time[success == 1]
    # Written so that NaN, which compares as false, is refused too.
    if not bool(np.all((known >= 0) & (known < math.inf))):
        raise ResultsError(
            "every success needs a finite time from 0",
            key="time",
            remedy="leave out episodes whose time is not known",
        )
