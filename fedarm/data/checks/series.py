"""Arithmetic on series that several checks share: runs, reversals, residuals."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fedarm.data.checks.subject import Track

Series = NDArray[np.float64]


def runs_of(mask: NDArray[Any]) -> Iterator[tuple[int, int]]:
    """Yield begin and end (exclusive) of each run of true values.

    Args:
        mask: `(frame,)`.
    """
    edges = np.flatnonzero(np.diff(np.concatenate(([0], mask.astype(np.int8), [0]))))
    yield from zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True)


def reversals(values: Series) -> Series:
    """Return how far each inner value sticks out from both neighbours, 0 where it lies between them.

    Args:
        values: `(frame, joint)`.

    Returns:
        `(frame - 2, joint)`: the smaller of the two opposite steps.
    """
    steps = np.diff(values, axis=0)
    before, after = steps[:-1], steps[1:]
    return np.where(before * after < 0, np.minimum(np.abs(before), np.abs(after)), 0.0)


def quantile(values: Series, share: float) -> Series:
    """Return a quantile of each column, interpolated, `(column,)`.

    The same as `np.quantile`, whose overhead on one episode is ten times its work.

    Args:
        values: `(row, column)`, at least one row.
        share: From 0 to 1.
    """
    ordered = np.sort(values, axis=0)
    position = share * (len(values) - 1)
    below = int(position)
    above = min(below + 1, len(values) - 1)
    return np.asarray(ordered[below] + (position - below) * (ordered[above] - ordered[below]))


def tracking_residual(track: Track, lead: int) -> Series:
    """Return the states minus the actions that they follow, `(frame - lead, joint)`."""
    return track.state[lead:] - track.action[: len(track.action) - lead]


def body_joints(names: tuple[str, ...]) -> NDArray[np.intp]:
    """Return the positions of the joints that are no gripper."""
    return np.flatnonzero(["gripper" not in name for name in names])


def gripper_joints(names: tuple[str, ...]) -> NDArray[np.intp]:
    """Return the positions of the grippers."""
    return np.flatnonzero(["gripper" in name for name in names])


def resample(values: Series, steps: int) -> Series:
    """Return a trajectory `(frame, joint)` at evenly spread moments, `(step, joint)`."""
    position = np.linspace(0, len(values) - 1, steps)
    below = np.floor(position).astype(int)
    above = np.minimum(below + 1, len(values) - 1)
    share = (position - below)[:, None]
    return np.asarray(values[below] * (1 - share) + values[above] * share)
