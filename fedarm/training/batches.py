"""Which rows a step sees: a function of the seeds and the step, with nothing to remember.

A generator would have to be saved and restored when a killed job goes on; here step k is asked for and
given.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fedarm.provenance import derive_seed


class BatchOrder:
    """Batches from one permutation of the rows after another, cut where a batch is full.

    A batch may begin in one epoch and end in the next, or span several when there are few rows.

    Args:
        rows: How many rows there are.
        batch_size: Samples a batch.
        experiment_seed: Root of the random draws.
        run_seed: The training seed.
        clients: Whose rows they are.
        round_number: The round, counted from 1.
    """

    def __init__(
        self,
        rows: int,
        batch_size: int,
        *,
        experiment_seed: int,
        run_seed: int,
        clients: tuple[str, ...],
        round_number: int,
    ) -> None:
        self._rows = rows
        self._batch_size = batch_size
        self._experiment_seed = experiment_seed
        self._parts = (run_seed, "+".join(clients), round_number)
        self._epochs: dict[int, NDArray[np.int64]] = {}

    def indices(self, step: int) -> NDArray[np.int64]:
        """Return the positions `(sample,)` of a step's rows; steps count from 0."""
        first = step * self._batch_size
        last = first + self._batch_size - 1
        epochs = range(first // self._rows, last // self._rows + 1)
        joined = np.concatenate([self._epoch(number) for number in epochs])
        start = first - epochs[0] * self._rows
        self._epochs = {epochs[-1]: self._epochs[epochs[-1]]}
        return joined[start : start + self._batch_size]

    def _epoch(self, number: int) -> NDArray[np.int64]:
        if number not in self._epochs:
            seed = derive_seed(self._experiment_seed, "batches", *self._parts, number)
            self._epochs[number] = np.random.default_rng(seed).permutation(self._rows)
        return self._epochs[number]
