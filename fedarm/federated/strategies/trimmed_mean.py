"""The mean without the largest and the smallest values."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from flwr.app import ArrayRecord, Message, MetricRecord

from fedarm.config_arms import TrimmedMeanArm
from fedarm.federated.aggregation import Spool, to_record
from fedarm.federated.strategies.base import STRATEGIES, RoundStrategy, update_in


@STRATEGIES.register("trimmed_mean")
class TrimmedMean(RoundStrategy):
    """Of each coordinate, the `hostile` largest and smallest values are cut, and the rest is averaged.

    Rows do not count: a hostile client would claim many. All updates are needed at once, so they are
    kept on disk and read by slices of coordinates: memory does not grow with the clients, the disk does.

    Args:
        arm: The arm's section of the configuration.
        rows: Rows of each client, in client order.

    Source:
        Yin et al. 2018, "Byzantine-Robust Distributed Learning: Towards Optimal Statistical Rates",
        definition 2, with `beta = hostile / clients`.
    """

    def __init__(self, arm: TrimmedMeanArm, rows: Sequence[int]) -> None:
        super().__init__(rows)
        self._cut = arm.hostile

    def aggregate_train(
        self, server_round: int, replies: Iterable[Message]
    ) -> tuple[ArrayRecord | None, MetricRecord | None]:
        """Return the trimmed mean of the updates, coordinate by coordinate."""
        del server_round
        with Spool() as spool:
            for reply in replies:
                spool.add(update_in(reply))
                # The next reply is made when this one is gone.
                del reply
            means = []
            for _, values in spool.slices():
                values.sort(axis=0)
                means.append(values[self._cut : spool.clients - self._cut].mean(axis=0))
            return to_record(spool.split(np.concatenate(means))), None
