from __future__ import annotations

import numpy as np
from flwr.app import ArrayRecord

from fedarm.federated.aggregation import RunningAverage, to_record
from fedarm.federated.arrays import packed

# More than one slice of the product, so that the cut between them is crossed.
SHAPES = {"matrix": (400, 700), "vector": (7,)}


def updates(clients: int) -> list[dict[str, np.ndarray]]:
    generator = np.random.default_rng(0)
    return [
        {name: generator.normal(size=shape).astype(np.float32) for name, shape in SHAPES.items()}
        for _ in range(clients)
    ]


def record(update: dict[str, np.ndarray]) -> ArrayRecord:
    return ArrayRecord({name: packed(values) for name, values in update.items()})


def test_the_average_is_weighted() -> None:
    weights = [3.0, 5.0, 8.0]
    given = updates(3)
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
