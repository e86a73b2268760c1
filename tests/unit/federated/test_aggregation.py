"""Sums in bounded memory are the sums, and arrays are read as they were written."""

import tracemalloc

import numpy as np
import pytest
from flwr.app import Array, ArrayRecord

from fedarm.federated import aggregation
from fedarm.federated.aggregation import RunningAverage, Spool, to_record
from fedarm.federated.arrays import view

MANY = 400_000


@pytest.mark.parametrize(
    "values",
    [
        np.arange(6, dtype=np.float32).reshape(2, 3),
        np.asfortranarray(np.arange(6, dtype=np.float32).reshape(2, 3)),
        np.array(3.0, np.float32),
        np.zeros((0, 2), np.float32),
        np.array([1, 2], np.int64),
    ],
)
def test_a_view_is_the_array_and_no_copy(values):
    array = Array(values)
    seen = view(array)
    assert (seen.dtype, seen.shape) == (values.dtype, values.shape)
    np.testing.assert_array_equal(seen, values)
    assert not seen.flags.writeable
    assert not seen.flags.owndata


def test_what_is_no_array_is_refused():
    with pytest.raises(ValueError, match=r"(?i)magic|format"):
        view(Array("float32", (1,), "numpy.ndarray", b"not an array of numbers"))


def updates(count):
    rng = np.random.default_rng(0)
    for _ in range(count):
        yield ArrayRecord({"w": Array(rng.normal(size=MANY).astype(np.float32))})


def peak(clients):
    average = RunningAverage(clients)
    tracemalloc.start()
    for update in updates(clients):
        average.add(update, 1)
        del update
    to_record(average.take_average())
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return most


def test_memory_does_not_grow_with_the_clients():
    assert peak(24) < 1.1 * peak(3)


def test_slices_of_a_spool_are_the_updates(monkeypatch):
    monkeypatch.setattr(aggregation, "_SPOOL_SLICE", 12)
    rng = np.random.default_rng(0)
    kept = [rng.normal(size=(3, 5)).astype(np.float32) for _ in range(4)]
    with Spool() as spool:
        for values in kept:
            spool.add(ArrayRecord({"a": Array(values[:2]), "b": Array(values[2])}))
        parts = [values for _, values in spool.slices()]
        assert [part.shape for part in parts] == [(4, 3)] * 5
        joined = np.concatenate(parts, axis=1)
        np.testing.assert_array_equal(joined, [values.ravel() for values in kept])
        np.testing.assert_array_equal(spool.update(2), kept[2].ravel())
        split = spool.split(spool.update(1))
    np.testing.assert_array_equal(split["a"], kept[1][:2])
    np.testing.assert_array_equal(split["b"], kept[1][2])
