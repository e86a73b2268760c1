"""How far predicted actions are from recorded ones: absolute errors in the joints' own units.

Arrays in, numbers out. Predictions of actions past the end of an episode have nothing to be compared
with: they are padding and count nowhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

_QUANTILE = 95
# More digits would differ between builds of the numerical libraries.
_SIGNIFICANT_DIGITS = 6

Actions = NDArray[np.float32]
Errors = NDArray[np.float64]
Padding = NDArray[np.bool_]


def absolute_error(predicted: Actions, recorded: Actions) -> Errors:
    """Return the distance of two arrays, number by number, in 64 bits."""
    return np.abs(predicted.astype(np.float64) - recorded.astype(np.float64))


def error_by_joint(
    errors: Errors, is_pad: Padding, joints: Sequence[str]
) -> dict[str, dict[str, float]]:
    """Return mean and 95th percentile of each joint's absolute error, over looks and steps.

    Args:
        errors: `(look, step, joint)`.
        is_pad: `(look, step)`; at least one is False.
        joints: What the joints are called.
    """
    return {
        joint: {"mean": _plain(column.mean()), "p95": _plain(np.percentile(column, _QUANTILE))}
        for joint, column in zip(joints, errors[~is_pad].T, strict=True)
    }


def error_by_step(errors: Errors, is_pad: Padding, joints: Sequence[str]) -> dict[str, Any]:
    """Return the same at each step of the horizon.

    Returns:
        `actions`, a list with the predictions that count at each step, and for each of `mean` and `p95`
        a list by joint. The lists end with the last step at which any prediction counts.
    """
    counts = (~is_pad).sum(axis=0)
    steps = [errors[~is_pad[:, step], step] for step in np.flatnonzero(counts)]
    mean = np.array([step.mean(axis=0) for step in steps])
    p95 = np.array([np.percentile(step, _QUANTILE, axis=0) for step in steps])
    return {
        "actions": [len(step) for step in steps],
        "mean": {joint: [_plain(v) for v in mean[:, i]] for i, joint in enumerate(joints)},
        "p95": {joint: [_plain(v) for v in p95[:, i]] for i, joint in enumerate(joints)},
    }


def _plain(value: np.floating[Any]) -> float:
    return float(f"{float(value):.{_SIGNIFICANT_DIGITS}g}")
