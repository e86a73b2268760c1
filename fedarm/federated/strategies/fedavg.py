"""Federated averaging, with optional momentum on the server."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
from flwr import serverapp
from flwr.app import ArrayRecord, ConfigRecord, Message, MetricRecord
from flwr.serverapp import Grid
from numpy.typing import NDArray

from fedarm import config
from fedarm.errors import CheckpointError
from fedarm.federated.aggregation import RunningAverage, to_record
from fedarm.federated.arrays import view
from fedarm.federated.keys import ARRAYS, CONFIG, METRICS, NUM_EXAMPLES
from fedarm.federated.records import number_in
from fedarm.federated.strategies.base import STRATEGIES, RoundStrategy

_MOMENTUM = "momentum/"


@STRATEGIES.register("fedavg")
class FedAvg(serverapp.strategy.FedAvg, RoundStrategy):
    """The new weights are the clients' weights, averaged by the rows that each client has.

    With momentum, the old weights less the average is taken as a gradient: `v <- momentum v + gradient`
    and `weights <- weights - v`. Without, the average itself is the result, so that the average of one
    client has that client's bytes. Flower addresses the clients; its own average copies every array
    several times and takes a twentieth of the time of a round's training.

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
        )
        self._momentum = np.float32(arm.server_momentum)
        self._velocity: dict[str, NDArray[np.float32]] = {}
        self._sent = ArrayRecord()

    def configure_train(
        self, server_round: int, arrays: ArrayRecord, config: ConfigRecord, grid: Grid
    ) -> Iterable[Message]:
        """Address every client, and remember the weights sent."""
        self._sent = arrays
        return super().configure_train(server_round, arrays, config, grid)

    def aggregate_train(
        self, server_round: int, replies: Iterable[Message]
    ) -> tuple[ArrayRecord | None, MetricRecord | None]:
        """Return the new weights; no metrics, which the rounds gather themselves."""
        del server_round
        replies = list(replies)
        rows = [number_in(reply.content.metric_records[METRICS], NUM_EXAMPLES) for reply in replies]
        average = RunningAverage(sum(rows))
        for reply, weight in zip(replies, rows, strict=True):
            average.add(reply.content.array_records[ARRAYS], weight)
        averaged = average.take_average()
        if self._momentum:
            for name in averaged:
                averaged[name] = self._step(name, view(self._sent[name]), averaged[name])
        return to_record(averaged), None

    def _step(
        self, name: str, old: NDArray[np.float32], average: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        velocity = old - average
        if name in self._velocity:
            velocity += self._momentum * self._velocity[name]
        self._velocity[name] = velocity
        return old - velocity

    def state(self) -> dict[str, NDArray[np.float32]]:
        """Return the momentum, by weight."""
        return {f"{_MOMENTUM}{name}": values for name, values in self._velocity.items()}

    def load_state(self, state: Mapping[str, NDArray[np.float32]]) -> None:
        """Restore the momentum.

        Raises:
            CheckpointError: It is not the state of this strategy with these settings.
        """
        foreign = [name for name in state if not name.startswith(_MOMENTUM)]
        if foreign or bool(state) != bool(self._momentum):
            raise CheckpointError(
                "the saved state is not that of this strategy",
                key="server_momentum",
                value=foreign or float(self._momentum),
                remedy="delete the run's checkpoints and train again",
            )
        self._velocity = {name.removeprefix(_MOMENTUM): array for name, array in state.items()}
