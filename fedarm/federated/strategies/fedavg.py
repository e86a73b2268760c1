"""Federated averaging, with optional momentum on the server."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from flwr.serverapp.strategy import FedAvgM
from numpy.typing import NDArray

from fedarm import config
from fedarm.errors import CheckpointError
from fedarm.federated.keys import ARRAYS, CONFIG, NUM_EXAMPLES
from fedarm.federated.strategies.base import STRATEGIES, RoundStrategy

_MOMENTUM = "momentum"


@STRATEGIES.register("fedavg")
class FedAvg(FedAvgM, RoundStrategy):
    """The new weights are the clients' weights, averaged by the rows that each client has.

    With momentum, the old weights less the average is taken as a gradient: `v <- momentum v + gradient`
    and `weights <- weights - v`. Without, the average itself is the result, so that the average of one
    client has that client's bytes.

    Args:
        arm: The arm's section of the configuration.
        clients: How many clients there are; each takes part in every round.

    Source:
        McMahan et al. 2017, "Communication-Efficient Learning of Deep Networks from Decentralized
        Data", algorithm 1; Hsu et al. 2019, "Measuring the Effects of Non-Identical Data Distribution",
        section 4.3 (FedAvgM).
    """

    def __init__(self, arm: config.FedAvgArm | config.FedProxArm, clients: int) -> None:
        super().__init__(
            min_train_nodes=clients,
            min_evaluate_nodes=clients,
            min_available_nodes=clients,
            weighted_by_key=NUM_EXAMPLES,
            arrayrecord_key=ARRAYS,
            configrecord_key=CONFIG,
            server_momentum=arm.server_momentum,
        )

    def state(self) -> dict[str, NDArray[np.float32]]:
        """Return the momentum, one array a weight in the order of the weights."""
        momentum = self.momentum_vector or []
        return {f"{_MOMENTUM}/{index:05d}": array for index, array in enumerate(momentum)}

    def load_state(self, state: Mapping[str, NDArray[np.float32]]) -> None:
        """Restore the momentum.

        Raises:
            CheckpointError: It is not the state of this strategy with these settings.
        """
        foreign = [name for name in state if not name.startswith(f"{_MOMENTUM}/")]
        if foreign or bool(state) != bool(self.server_momentum):
            raise CheckpointError(
                "the saved state is not that of this strategy",
                key="server_momentum",
                value=foreign or self.server_momentum,
                remedy="delete the run's checkpoints and train again",
            )
        self.momentum_vector = [state[name] for name in sorted(state)] or None
