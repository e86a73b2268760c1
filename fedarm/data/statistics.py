"""Means and deviations for normalisation, computed from sums that clients can share.

A client sends three numbers a channel (count, sum, sum of squares) and never a row. Adding the clients'
sums gives exactly the statistics of the pooled rows, up to the rounding of 64-bit floats.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fedarm.data.frame_cache import CachedDataset
from fedarm.data.info import ACTION, STATE
from fedarm.errors import DataError

Array = NDArray[np.float64]

# Floors of the standard deviation. A joint that hardly moves (below a tenth of a degree) or an image
# that hardly changes (below one grey level) carries noise only; divided by its tiny deviation, it
# would outweigh every other input as soon as it moves at all.
JOINT_STD_FLOOR = 0.1
PIXEL_STD_FLOOR = 1.0 / 255.0

_PIXEL_MAX = 255.0
_PARTS = ("count", "sum", "sum_of_squares")


@dataclass(frozen=True)
class Sums:
    """Sums over the samples of one feature.

    Attributes:
        count: Samples summed (frames, or pixels of an image channel).
        sum: `(joint,)`, or `(channel, 1, 1)` for a camera.
        sum_of_squares: Shape as `sum`.
    """

    count: int
    sum: Array
    sum_of_squares: Array

    def __add__(self, other: Sums) -> Sums:
        """Return the sums over both sets of samples."""
        return Sums(
            count=self.count + other.count,
            sum=self.sum + other.sum,
            sum_of_squares=self.sum_of_squares + other.sum_of_squares,
        )


@dataclass(frozen=True)
class FeatureSums:
    """Sums of each feature, by feature key."""

    features: Mapping[str, Sums]

    def __add__(self, other: FeatureSums) -> FeatureSums:
        """Return the sums over both clients' samples.

        Raises:
            DataError: The two have other features, or features of other shapes.
        """
        shapes = [
            {key: sums.sum.shape for key, sums in each.features.items()} for each in (self, other)
        ]
        if shapes[0] != shapes[1]:
            raise DataError(
                "clients have different features, whose statistics cannot be added",
                key="features",
                value=shapes,
                remedy="give every client the same joints and camera keys",
            )
        return FeatureSums({key: self.features[key] + other.features[key] for key in self.features})

    def to_arrays(self) -> dict[str, Array]:
        """Return the sums as named 64-bit arrays, as they are sent to a server."""
        arrays = {}
        for key, sums in sorted(self.features.items()):
            arrays[f"{key}/count"] = np.array([sums.count], dtype=np.float64)
            arrays[f"{key}/sum"] = sums.sum
            arrays[f"{key}/sum_of_squares"] = sums.sum_of_squares
        return arrays

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, Array]) -> FeatureSums:
        """Return the sums from what `to_arrays` gave.

        Raises:
            DataError: A part of a feature is missing.
        """
        keys = sorted({name.rpartition("/")[0] for name in arrays})
        missing = [
            f"{key}/{part}" for key in keys for part in _PARTS if f"{key}/{part}" not in arrays
        ]
        if missing:
            raise DataError("sums are incomplete", key="arrays", value=missing, remedy="send all")
        return cls(
            {
                key: Sums(
                    count=int(arrays[f"{key}/count"][0]),
                    sum=np.asarray(arrays[f"{key}/sum"], dtype=np.float64),
                    sum_of_squares=np.asarray(arrays[f"{key}/sum_of_squares"], dtype=np.float64),
                )
                for key in keys
            }
        )

    def statistics(self) -> dict[str, dict[str, Array]]:
        """Return `{feature: {"mean", "std"}}`; the deviation is the population's, with a floor.

        Shapes are those of LeRobot's dataset statistics: `(joint,)` and, in [0, 1], `(channel, 1, 1)`.
        """
        return {key: _mean_and_std(key, sums) for key, sums in sorted(self.features.items())}


def sums_of(
    cached: CachedDataset, episodes: Iterable[int], *, image_stride: int = 1
) -> FeatureSums:
    """Sum the states, the actions and the pixels of some episodes; no other row is read.

    Args:
        cached: The dataset.
        episodes: The episodes to sum: those of the train split.
        image_stride: Sum the pixels of every n-th of these frames, counted from the first. States and
            actions are always summed whole.

    Raises:
        DataError: There is no episode, or one that the dataset lacks.
    """
    rows = cached.rows_of(episodes)
    if not len(rows):
        raise DataError(
            "statistics need at least one episode", file=cached.root, remedy="use another split"
        )
    features = {STATE: _joint_sums(cached.state[rows]), ACTION: _joint_sums(cached.action[rows])}
    for position, camera in enumerate(cached.cameras):
        features[camera] = _pixel_sums(cached.frames, rows[::image_stride], position)
    return FeatureSums(features)


def _joint_sums(values: NDArray[np.float32]) -> Sums:
    exact = values.astype(np.float64)
    return Sums(count=len(exact), sum=exact.sum(axis=0), sum_of_squares=(exact**2).sum(axis=0))


def _pixel_sums(frames: NDArray[np.uint8], rows: NDArray[np.int64], position: int) -> Sums:
    """Sum pixels through histograms of their 256 levels: integers, so no order of summing matters."""
    histogram = np.zeros((3, 256), dtype=np.int64)
    for row in rows:
        image = frames[row, position]
        for channel in range(3):
            histogram[channel] += np.bincount(image[..., channel].ravel(), minlength=256)
    levels = np.arange(256, dtype=np.int64)
    return Sums(
        count=int(histogram[0].sum()),
        sum=((histogram @ levels) / _PIXEL_MAX).reshape(3, 1, 1),
        sum_of_squares=((histogram @ levels**2) / _PIXEL_MAX**2).reshape(3, 1, 1),
    )


def _mean_and_std(key: str, sums: Sums) -> dict[str, Array]:
    mean = sums.sum / sums.count
    # Rounding can leave a variance a hair below 0.
    variance = np.maximum(sums.sum_of_squares / sums.count - mean**2, 0.0)
    floor = JOINT_STD_FLOOR if key in (STATE, ACTION) else PIXEL_STD_FLOOR
    return {"mean": mean, "std": np.maximum(np.sqrt(variance), floor)}
