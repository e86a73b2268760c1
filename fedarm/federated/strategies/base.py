"""What a strategy is here: a Flower strategy that streams, with a memory that can be saved."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from flwr.app import ArrayRecord, ConfigRecord, Message, MessageType, MetricRecord, RecordDict
from flwr.serverapp import Grid
from flwr.serverapp.strategy import Strategy
from numpy.typing import NDArray

from fedarm.errors import CheckpointError
from fedarm.federated.aggregation import RunningAverage, to_record
from fedarm.federated.arrays import view
from fedarm.federated.contents import arrays_in, metrics_in
from fedarm.federated.keys import ARRAYS, CONFIG, NUM_EXAMPLES, SERVER_ROUND
from fedarm.federated.records import is_weight, number_in
from fedarm.registry import Registry

Arrays = dict[str, NDArray[np.float32]]
State = Mapping[str, NDArray[np.float32]]


class RoundStrategy(Strategy):
    """A Flower strategy that goes on after an interruption as if there had been none.

    Of Flower's own classes only this interface is used: they keep all updates in memory, draw the
    clients in random order, wait without end for those that are missing, and restart their moments with
    each run.

    `aggregate_train` takes the checked replies in client order, one at a time, and gives new weights.
    The replies that are missing have been excluded, as the configuration allows.

    Args:
        rows: Rows of each client, in client order, by which averages are weighted.
    """

    def __init__(self, rows: Sequence[int]) -> None:
        self._rows = tuple(rows)
        self._nodes: tuple[int, ...] = ()

    def meet(self, nodes: Sequence[int]) -> None:
        """Learn which node is which client: their ids in client order."""
        self._nodes = tuple(nodes)

    def configure_train(
        self, server_round: int, arrays: ArrayRecord, config: ConfigRecord, grid: Grid
    ) -> Iterable[Message]:
        """Address every client, with the global weights."""
        del grid
        return self._address(MessageType.TRAIN, server_round, arrays, config)

    def configure_evaluate(
        self, server_round: int, arrays: ArrayRecord, config: ConfigRecord, grid: Grid
    ) -> Iterable[Message]:
        """Address every client, with the global weights."""
        del grid
        return self._address(MessageType.EVALUATE, server_round, arrays, config)

    @abstractmethod
    def aggregate_train(
        self, server_round: int, replies: Iterable[Message]
    ) -> tuple[ArrayRecord | None, MetricRecord | None]:
        """Return the new weights; no metrics, which the rounds gather themselves."""

    def aggregate_evaluate(self, server_round: int, replies: Iterable[Message]) -> None:
        """Leave held-out losses as they are, one a client."""

    def state(self) -> Arrays:
        """Return what the strategy remembers between rounds, by name; by default nothing."""
        return {}

    def load_state(self, state: State) -> None:
        """Restore what `state` gave.

        Raises:
            CheckpointError: It is not this strategy's state.
        """
        if state:
            raise self.foreign_state(next(iter(state)))

    def foreign_state(self, key: str) -> CheckpointError:
        """Return the error of a state that is not this strategy's."""
        return CheckpointError(
            "the saved state is not that of this strategy",
            key=key,
            value=type(self).__name__,
            remedy="delete the run's checkpoints and train again",
        )

    def personal(self) -> Mapping[int, Arrays]:
        """Return what differs from the global weights in a client's own policy, by client's place."""
        return {}

    def summary(self) -> None:
        """Say nothing: the configuration is saved beside the results."""

    def _address(
        self, message_type: str, server_round: int, arrays: ArrayRecord, config: ConfigRecord
    ) -> list[Message]:
        config[SERVER_ROUND] = server_round
        content = RecordDict({ARRAYS: arrays, CONFIG: config})
        return [Message(content, node, message_type) for node in self._nodes]


class AveragingStrategy(RoundStrategy):
    """A strategy whose server makes a step from the average of the clients' updates.

    Args:
        rows: Rows of each client, in client order.
    """

    def __init__(self, rows: Sequence[int]) -> None:
        super().__init__(rows)
        self._sent = ArrayRecord()

    def configure_train(
        self, server_round: int, arrays: ArrayRecord, config: ConfigRecord, grid: Grid
    ) -> Iterable[Message]:
        """Address every client, with the global weights, and remember them."""
        self._sent = arrays
        return super().configure_train(server_round, arrays, config, grid)

    def aggregate_train(
        self, server_round: int, replies: Iterable[Message]
    ) -> tuple[ArrayRecord | None, MetricRecord | None]:
        """Average the updates as they come, and make the server's step."""
        del server_round
        average = RunningAverage(sum(self._rows))
        for reply in replies:
            average.add(update_in(reply), weight_of(reply))
            # The next reply is made when this one is gone.
            del reply
        averaged = average.take_average()
        for name in filter(is_weight, averaged):
            averaged[name] = self.step(name, view(self._sent[name]), averaged[name])
        return to_record(averaged), None

    @abstractmethod
    def step(
        self, name: str, old: NDArray[np.float32], average: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        """Return the new value of a parameter; `average` may be changed, `old` may not."""


def update_in(reply: Message) -> ArrayRecord:
    """Return the arrays that a client answered with."""
    return arrays_in(reply.content)


def weight_of(reply: Message) -> float:
    """Return the rows of the client that answered."""
    return number_in(metrics_in(reply.content), NUM_EXAMPLES)


# A strategy is made from its arm's section and the rows of each client.
STRATEGIES: Registry[Callable[[Any, Sequence[int]], RoundStrategy]] = Registry("strategy")
