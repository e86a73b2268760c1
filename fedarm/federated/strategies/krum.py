"""The update that is closest to its neighbours."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from flwr.app import ArrayRecord, Message, MetricRecord
from numpy.typing import NDArray

from fedarm.config_arms import KrumArm
from fedarm.federated.aggregation import Spool, to_record
from fedarm.federated.strategies.base import STRATEGIES, RoundStrategy, update_in


@STRATEGIES.register("krum")
class Krum(RoundStrategy):
    """Of n updates the one with the smallest sum of squared distances to its `n - hostile - 2` nearest.

    With `selected` above 1, that many of the best are averaged (Multi-Krum). Rows do not count: a
    hostile client would claim many. All updates are needed at once, so they are kept on disk and read
    by slices of coordinates. Distances come from differences; Flower's come from inner products in 32
    bits, which for updates that all lie close to the global weights leave little but rounding.

    Args:
        arm: The arm's section of the configuration.
        rows: Rows of each client, in client order.

    Source:
        Blanchard et al. 2017, "Machine Learning with Adversaries: Byzantine Tolerant Gradient Descent",
        section 4 and, for Multi-Krum, section 6.
    """

    def __init__(self, arm: KrumArm, rows: Sequence[int]) -> None:
        super().__init__(rows)
        self._hostile = arm.hostile
        self._selected = arm.selected

    def aggregate_train(
        self, server_round: int, replies: Iterable[Message]
    ) -> tuple[ArrayRecord | None, MetricRecord | None]:
        """Return the update that is chosen, or the mean of those that are."""
        del server_round
        with Spool() as spool:
            for reply in replies:
                spool.add(update_in(reply))
                # The next reply is made when this one is gone.
                del reply
            # In client order, so that equal scores are decided by it and sums have one order.
            chosen = sorted(best(_squared_distances(spool), self._hostile)[: self._selected])
            total = spool.update(chosen[0])
            for client in chosen[1:]:
                total += spool.update(client)
            return to_record(spool.split(total / np.float32(len(chosen)))), None


def best(distances: NDArray[np.float64], hostile: int) -> list[int]:
    """Return the clients from the best score to the worst.

    Args:
        distances: Squared distances `(client, client)`.
        hostile: Hostile clients that are borne.
    """
    nearest = len(distances) - hostile - 2
    # The first of a sorted row is the client's distance to itself, 0.
    scores = np.sort(distances, axis=1)[:, 1 : nearest + 1].sum(axis=1)
    return [int(client) for client in np.argsort(scores, kind="stable")]


def _squared_distances(spool: Spool) -> NDArray[np.float64]:
    distances = np.zeros((spool.clients, spool.clients))
    for _, values in spool.slices():
        for first in range(spool.clients):
            for second in range(first):
                difference = (values[first] - values[second]).astype(np.float64)
                distances[first, second] += difference @ difference
    return distances + distances.T
