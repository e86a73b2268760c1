"""Averages over clients in bounded memory: one model, and the update that is being added to it."""

from __future__ import annotations

from typing import Any

import numpy as np
from flwr.app import ArrayRecord
from numpy.typing import NDArray

from fedarm.federated.arrays import packed, view

Vectors = NDArray[np.float32]

# Coordinates at a time: half a megabyte, so that a product is added while it is in the cache.
_SLICE = 1 << 17


class RunningAverage:
    """The weighted average of updates, added up in 32 bits in the order in which they come.

    Each update is multiplied by its share of the total and added, so that the average of one client has
    that client's bytes.

    Args:
        total: The sum of all weights that will come.
    """

    def __init__(self, total: float) -> None:
        self._total = total
        self._sums: dict[str, Vectors] = {}
        self._product = np.empty(_SLICE, np.float32)

    def add(self, update: ArrayRecord, weight: float) -> None:
        """Add an update, finite and of the same shapes as the others."""
        share = np.float32(weight / self._total)
        first = not self._sums
        for name, array in update.items():
            values = view(array)
            if first:
                self._sums[name] = np.multiply(values, share, dtype=np.float32)
            else:
                self._accumulate(self._sums[name].reshape(-1), values.reshape(-1), share)

    def take_average(self) -> dict[str, Vectors]:
        """Return the average of what has come, and forget it."""
        sums, self._sums = self._sums, {}
        return sums

    def _accumulate(self, total: Vectors, values: NDArray[Any], share: np.float32) -> None:
        for start in range(0, len(total), _SLICE):
            part = values[start : start + _SLICE]
            product = self._product[: len(part)]
            np.multiply(part, share, out=product)
            total[start : start + _SLICE] += product


def to_record(arrays: dict[str, Vectors]) -> ArrayRecord:
    """Serialise arrays and forget them one by one, so that no more than one is there twice."""
    return ArrayRecord({name: packed(arrays.pop(name)) for name in list(arrays)})
