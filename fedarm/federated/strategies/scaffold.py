"""Control variates: clients that correct their drift."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from flwr.app import (
    ArrayRecord,
    ConfigRecord,
    Message,
    MessageType,
    MetricRecord,
    RecordDict,
)
from flwr.serverapp import Grid
from numpy.typing import NDArray

from fedarm.config_arms import ScaffoldArm
from fedarm.federated.aggregation import RunningAverage, to_record
from fedarm.federated.arrays import packed, record_of, view
from fedarm.federated.keys import ACCEPTED_ROUND, ARRAYS, CONFIG, CONTROL_PREFIX, SERVER_ROUND
from fedarm.federated.records import is_weight
from fedarm.federated.strategies.base import (
    STRATEGIES,
    Arrays,
    RoundStrategy,
    State,
    update_in,
    weight_of,
)

_ACCEPTED = "accepted_rounds"


@STRATEGIES.register("scaffold")
class Scaffold(RoundStrategy):
    """Each client follows its gradients plus `c - c_i`, the difference of two control variates.

    The server sends x and c. A client makes its steps (`fedarm.training.control_variate`), keeps its new
    c_i, and answers with its weights and the change of c_i. The server then makes
    `x <- x + lr * sum p_i (y_i - x)` and `c <- c + sum p_i (c_i' - c_i)`, where p_i is client i's share
    of the rows; with equal rows that is the paper's mean. A client that is excluded changes neither
    c_i nor c: the server tells each client the last
    round of which it has used the update, and the client goes on from what it kept then.

    Args:
        arm: The arm's section of the configuration.
        rows: Rows of each client, in client order.

    Source:
        Karimireddy et al. 2020, "SCAFFOLD: Stochastic Controlled Averaging for Federated Learning",
        algorithm 1 and equations 3 to 5.
    """

    def __init__(self, arm: ScaffoldArm, rows: Sequence[int]) -> None:
        super().__init__(rows)
        self._lr = np.float32(arm.server_lr)
        self._sent = ArrayRecord()
        self._control: Arrays = {}
        self._accepted: NDArray[np.float32] = np.zeros(len(self._rows), np.float32)

    def configure_train(
        self, server_round: int, arrays: ArrayRecord, config: ConfigRecord, grid: Grid
    ) -> Iterable[Message]:
        """Address every client, with the weights, c, and the round of its own control variate."""
        self._sent = arrays
        control = {f"{CONTROL_PREFIX}{name}": packed(c) for name, c in self._control.items()}
        content = record_of({**arrays, **control}.items())
        del grid
        config[SERVER_ROUND] = server_round
        return [
            Message(
                RecordDict(
                    {
                        ARRAYS: content,
                        CONFIG: ConfigRecord({**config, ACCEPTED_ROUND: int(accepted)}),
                    }
                ),
                node,
                MessageType.TRAIN,
            )
            for node, accepted in zip(self._nodes, self._accepted, strict=True)
        ]

    def aggregate_train(
        self, server_round: int, replies: Iterable[Message]
    ) -> tuple[ArrayRecord | None, MetricRecord | None]:
        """Add up weights and changes as they come; move x and c."""
        weights, changes = RunningAverage(sum(self._rows)), RunningAverage(sum(self._rows))
        accepted = self._accepted.copy()
        for reply in replies:
            update, weight = update_in(reply), weight_of(reply)
            accepted[self._nodes.index(reply.metadata.src_node_id)] = server_round
            weights.add(_part(update, control=False), weight)
            changes.add(_part(update, control=True), weight)
            # The next reply is made when this one is gone.
            del reply, update
        self._accepted = accepted
        # Those who did not answer have changed nothing, so their share of the sum is zero.
        for key, change in changes.take_sums().items():
            name = key.removeprefix(CONTROL_PREFIX)
            self._control[name] = self._control[name] + change if name in self._control else change
        averaged = weights.take_average()
        if self._lr != 1:
            for name in filter(is_weight, averaged):
                old = view(self._sent[name])
                averaged[name] = old + self._lr * (averaged[name] - old)
        return to_record(averaged), None

    def state(self) -> Arrays:
        """Return c, and the last round in which each client's update was used."""
        control = {f"{CONTROL_PREFIX}{name}": values for name, values in self._control.items()}
        return {**control, _ACCEPTED: self._accepted}

    def load_state(self, state: State) -> None:
        """Restore c and the rounds.

        Raises:
            CheckpointError: It is not this strategy's state.
        """
        control = {name: values for name, values in state.items() if name != _ACCEPTED}
        foreign = [name for name in control if not name.startswith(CONTROL_PREFIX)]
        if foreign or _ACCEPTED not in state or len(state[_ACCEPTED]) != len(self._rows):
            raise self.foreign_state(next(iter(foreign), _ACCEPTED))
        self._control = {name.removeprefix(CONTROL_PREFIX): c for name, c in control.items()}
        self._accepted = np.array(state[_ACCEPTED])


def _part(update: ArrayRecord, *, control: bool) -> ArrayRecord:
    return record_of(
        (name, array)
        for name, array in update.items()
        if name.startswith(CONTROL_PREFIX) == control
    )
