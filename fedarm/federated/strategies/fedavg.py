"""Federated averaging."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from fedarm.config_arms import FederatedModel
from fedarm.federated.strategies.base import STRATEGIES, AveragingStrategy


@STRATEGIES.register("fedavg")
class FedAvg(AveragingStrategy):
    """The new weights are the clients' weights, averaged by the rows that each client has.

    The average of one client has that client's bytes.

    Args:
        arm: The arm's section of the configuration.
        rows: Rows of each client, in client order.

    Source:
        McMahan et al. 2017, "Communication-Efficient Learning of Deep Networks from Decentralized
        Data", algorithm 1.
    """

    def __init__(self, arm: FederatedModel, rows: Sequence[int]) -> None:
        del arm
        super().__init__(rows)

    def step(
        self, name: str, old: NDArray[np.float32], average: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        """Return the average."""
        del name, old
        return average
