"""Sums in bounded memory are the sums."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator

import numpy as np
import pytest
from flwr.app import Array, ArrayRecord

from fedarm.federated import aggregation
from fedarm.federated.aggregation import RunningAverage, Spool, to_record
from fedarm.federated.arrays import packed

SHAPES = {"matrix": (400, 700), "vector": (7,), "number": (), "nothing": (0, 3)}


def updates(clients: int) -> Iterator[dict[str, np.ndarray]]:
    generator = np.random.default_rng(0)
    for _ in range(clients):
        yield {
            name: generator.normal(size=shape).astype(np.float32) for name, shape in SHAPES.items()
        }


def record(update: dict[str, np.ndarray]) -> ArrayRecord:
    return ArrayRecord({name: packed(values) for name, values in update.items()})


def test_the_average_is_weighted() -> None:
    weights = [3.0, 5.0, 8.0]
    given = list(updates(3))
    average = RunningAverage(sum(weights))
    for update, weight in zip(given, weights, strict=True):
        average.add(record(update), weight)
    averaged = average.take_average()
    for name in SHAPES:
        expected = np.average([update[name] for update in given], axis=0, weights=weights)
        np.testing.assert_allclose(averaged[name], expected, rtol=1e-5, atol=1e-6)


def test_the_average_of_one_client_has_its_bytes() -> None:
    (update,) = updates(1)
    average = RunningAverage(41)
    average.add(record(update), 41)
    assert to_record(average.take_average())["matrix"].data == record(update)["matrix"].data


def test_the_order_in_which_an_update_lies_in_memory_does_not_matter() -> None:
    one, two = (update["matrix"] for update in updates(2))
    average = RunningAverage(2)
    for values in one, two:
        average.add(ArrayRecord({"matrix": Array(np.asfortranarray(values))}), 1)
    np.testing.assert_allclose(average.take_average()["matrix"], (one + two) / 2, atol=1e-6)


@pytest.mark.parametrize("missing", [0, 2])
def test_a_missing_weight_is_shared_by_the_others(missing: int) -> None:
    weights = [3.0, 5.0, 8.0]
    given = list(updates(3))
    average, sums = RunningAverage(16), RunningAverage(16)
    came = [client for client in range(3) if client != missing]
    for client in came:
        average.add(record(given[client]), weights[client])
        sums.add(record(given[client]), weights[client])
    left = [weights[client] for client in came]
    expected = np.average([given[client]["matrix"] for client in came], axis=0, weights=left)
    np.testing.assert_allclose(average.take_average()["matrix"], expected, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(
        sums.take_sums()["matrix"], expected * (sum(left) / 16), rtol=1e-5, atol=1e-6
    )


def peak(clients: int) -> int:
    average = RunningAverage(clients)
    tracemalloc.start()
    for update in updates(clients):
        average.add(record(update), 1)
        del update
    to_record(average.take_average())
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return most


def test_memory_does_not_grow_with_the_clients() -> None:
    assert peak(24) < 1.1 * peak(3)


def test_slices_of_a_spool_are_the_updates(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(aggregation, "_SPOOL_SLICE", 12)
    rng = np.random.default_rng(0)
    kept = [rng.normal(size=(3, 5)).astype(np.float32) for _ in range(4)]
    with Spool() as spool:
        for values in kept:
            spool.add(record({"a": values[:2], "b": values[2]}))
        parts = [values for _, values in spool.slices()]
        assert [part.shape for part in parts] == [(4, 3)] * 5
        joined = np.concatenate(parts, axis=1)
        np.testing.assert_array_equal(joined, [values.ravel() for values in kept])
        np.testing.assert_array_equal(spool.update(2), kept[2].ravel())
        split = spool.split(spool.update(1))
    np.testing.assert_array_equal(split["a"], kept[1][:2])
    np.testing.assert_array_equal(split["b"], kept[1][2])
