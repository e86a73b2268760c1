"""Sums over clients in bounded memory.

`RunningAverage` holds one model beside the update that it adds, whatever the number of clients. What
must see all updates at once (a trimmed mean, distances between clients) keeps them in a `Spool` on disk
and goes through them by slices of coordinates.
"""

from __future__ import annotations

import math
import tempfile
from collections.abc import Iterator

import numpy as np
from flwr.app import Array, ArrayRecord
from numpy.typing import NDArray
from scipy.linalg.blas import saxpy

from fedarm.federated.arrays import packed, record_of, view

Vectors = NDArray[np.float32]

# Coordinates of all clients together that a spool gives at a time: 32 megabytes.
_SPOOL_SLICE = 1 << 23


class RunningAverage:
    """The weighted average of updates, added up in 32 bits in the order in which they come.

    Each update is multiplied by its share of the total and added, so that the average of one client has
    that client's bytes. Weights that never come (a client was excluded) are made up for at the end.

    Args:
        total: The sum of all weights that may come.
    """

    def __init__(self, total: float) -> None:
        self._total = total
        self._added = 0.0
        self._first: dict[str, Array] = {}
        self._first_share = np.float32(0)
        self._names: tuple[str, ...] = ()
        self._sums: dict[str, Vectors] = {}

    def add(self, update: ArrayRecord, weight: float) -> None:
        """Add an update, finite and of the same shapes as the others."""
        share = np.float32(weight / self._total)
        if not self._added:
            # Kept until the next one comes, when sum after sum takes the memory of the array before it;
            # new memory would take as long as adding up three updates.
            self._first, self._first_share, self._names = dict(update), share, tuple(update)
        else:
            for name, array in update.items():
                values, sums = view(array), self._sum(name)
                if values.size:
                    # In place and in one pass; with numpy it would take two, and a product beside it.
                    saxpy(values.reshape(-1), sums.reshape(-1), a=float(share))
        self._added += weight

    def take_sums(self) -> dict[str, Vectors]:
        """Return `sum weight / total * update`, which is the average if all have come, and forget it."""
        sums = {name: self._sum(name) for name in self._names}
        self._names, self._sums = (), {}
        return sums

    def take_average(self) -> dict[str, Vectors]:
        """Return the average of what has come, and forget it."""
        sums = self.take_sums()
        if self._added != self._total:
            missing = np.float32(self._total / self._added)
            for values in sums.values():
                values *= missing
        return sums

    def _sum(self, name: str) -> Vectors:
        if name in self._first:
            values = view(self._first.pop(name))
            # For a single number numpy's product is no array.
            product = np.multiply(values, self._first_share, dtype=np.float32, order="C")
            self._sums[name] = np.asarray(product)
        return self._sums[name]


class Spool:
    """Updates of all clients on disk, read by slices of coordinates.

    Memory is one slice of all clients; the disk takes four bytes a coordinate and client.
    """

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile()  # noqa: SIM115 - closed by `__exit__`
        self._shapes: dict[str, tuple[int, ...]] = {}
        self._clients = 0

    def __enter__(self) -> Spool:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    @property
    def clients(self) -> int:
        """How many updates are kept."""
        return self._clients

    def add(self, update: ArrayRecord) -> None:
        """Keep an update, of the same names and shapes as the others."""
        self._shapes = self._shapes or {name: tuple(array.shape) for name, array in update.items()}
        for name in self._shapes:
            self._file.write(np.ascontiguousarray(view(update[name]), np.float32).data)
        self._clients += 1

    def slices(self) -> Iterator[tuple[slice, Vectors]]:
        """Yield each slice of coordinates with all clients' values `(client, coordinate)`."""
        self._file.flush()
        coordinates = self._coordinates
        # Always the whole file: a map of its own for each slice would not be given back in time.
        updates = np.memmap(self._file, np.float32, mode="r", shape=(self._clients, coordinates))
        step = max(_SPOOL_SLICE // self._clients, 1)
        for start in range(0, coordinates, step):
            part = slice(start, min(start + step, coordinates))
            yield part, np.array(updates[:, part])

    def update(self, client: int) -> Vectors:
        """Return one client's whole update `(coordinate,)`, by its place in the order of adding."""
        self._file.flush()
        size = 4 * self._coordinates
        return np.array(
            np.memmap(
                self._file, np.float32, mode="r", offset=client * size, shape=self._coordinates
            )
        )

    def split(self, flat: Vectors) -> dict[str, Vectors]:
        """Return a vector `(coordinate,)` as arrays by name."""
        ends = np.cumsum([math.prod(shape) for shape in self._shapes.values()])
        parts = np.split(flat, ends[:-1])
        return {
            name: part.reshape(shape)
            for (name, shape), part in zip(self._shapes.items(), parts, strict=True)
        }

    @property
    def _coordinates(self) -> int:
        return sum(math.prod(shape) for shape in self._shapes.values())


def to_record(arrays: dict[str, Vectors]) -> ArrayRecord:
    """Serialise arrays and forget them one by one, so that no more than one is there twice."""
    return record_of((name, packed(arrays.pop(name))) for name in list(arrays))
