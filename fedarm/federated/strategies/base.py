"""What a strategy is here: a Flower strategy whose memory can be saved and restored."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from flwr.serverapp.strategy import Strategy
from numpy.typing import NDArray

from fedarm.registry import Registry


class RoundStrategy(Strategy):
    """A Flower strategy that goes on after an interruption as if there had been none.

    `configure_train` and `configure_evaluate` address every client; `aggregate_train` gets the checked
    replies of all clients in client order.
    """

    @abstractmethod
    def state(self) -> dict[str, NDArray[np.float32]]:
        """Return what the strategy remembers between rounds, by name; empty if nothing."""

    @abstractmethod
    def load_state(self, state: Mapping[str, NDArray[np.float32]]) -> None:
        """Restore what `state` gave.

        Raises:
            CheckpointError: It is not this strategy's state.
        """


# A strategy is made from its arm's section and the number of clients.
STRATEGIES: Registry[Callable[[Any, int], RoundStrategy]] = Registry("strategy")
