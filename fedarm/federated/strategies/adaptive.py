"""What FedAdam and FedYogi share: an adaptive step of the server."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from fedarm.config_arms import AdaptiveArm
from fedarm.federated.strategies.base import Arrays, AveragingStrategy, State

_FIRST = "first_moment/"
_SECOND = "second_moment/"


class AdaptiveStrategy(AveragingStrategy):
    """The clients' average change is a gradient, which the server follows with two moments.

    With the change `d = average - x`: `m <- beta1 m + (1 - beta1) d`, the second moment v as the
    subclass says, and `x <- x + lr m / (sqrt(v) + tau)`. It begins with `m = 0` and `v = tau^2`, and
    nothing is corrected for that beginning. Flower's classes begin with `v = 0`, and correct it with a
    number of rounds that is one too large.

    Args:
        arm: The arm's section of the configuration.
        rows: Rows of each client, in client order.

    Source:
        Reddi et al. 2021, "Adaptive Federated Optimization", algorithm 2, with the clients weighted by
        their rows as in its section 2.
    """

    def __init__(self, arm: AdaptiveArm, rows: Sequence[int]) -> None:
        super().__init__(rows)
        self._arm = arm
        self._first: Arrays = {}
        self._second: Arrays = {}

    @abstractmethod
    def second_moment(
        self, second: NDArray[np.float32], squared: NDArray[np.float32], *, rest: np.float32
    ) -> NDArray[np.float32]:
        """Return the new second moment from the old one and the squared change; `rest` is 1 - beta2."""

    def step(
        self, name: str, old: NDArray[np.float32], average: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        """Return the old value after an adaptive step."""
        arm = self._arm
        change = average - old
        if name not in self._first:
            self._first[name] = np.zeros_like(change)
            self._second[name] = np.full_like(change, arm.tau**2)
        first = np.float32(arm.beta1) * self._first[name] + np.float32(1 - arm.beta1) * change
        rest = np.float32(1 - arm.beta2)
        second = self.second_moment(self._second[name], change * change, rest=rest)
        self._first[name], self._second[name] = first, second
        return old + np.float32(arm.server_lr) * first / (np.sqrt(second) + np.float32(arm.tau))

    def state(self) -> Arrays:
        """Return both moments."""
        first = {f"{_FIRST}{name}": values for name, values in self._first.items()}
        return first | {f"{_SECOND}{name}": values for name, values in self._second.items()}

    def load_state(self, state: State) -> None:
        """Restore both moments.

        Raises:
            CheckpointError: It is not this strategy's state.
        """
        self._first = _with_prefix(state, _FIRST)
        self._second = _with_prefix(state, _SECOND)
        foreign = [name for name in state if not name.startswith((_FIRST, _SECOND))]
        if foreign or not self._first or self._first.keys() != self._second.keys():
            raise self.foreign_state(next(iter(foreign), _FIRST))


def _with_prefix(state: State, prefix: str) -> Arrays:
    return {
        name.removeprefix(prefix): values
        for name, values in state.items()
        if name.startswith(prefix)
    }
