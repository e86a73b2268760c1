"""Federated averaging with momentum on the server."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from fedarm.config_arms import FedAvgMArm
from fedarm.federated.strategies.base import STRATEGIES, Arrays, AveragingStrategy, State

_MOMENTUM = "momentum/"


@STRATEGIES.register("fedavgm")
class FedAvgM(AveragingStrategy):
    """The old weights less the average are a gradient, which the server follows with momentum.

    `v <- momentum v + (w - average)` and `w <- w - lr v`.

    Args:
        arm: The arm's section of the configuration.
        rows: Rows of each client, in client order.

    Source:
        Hsu et al. 2019, "Measuring the Effects of Non-Identical Data Distribution for Federated Visual
        Classification", section 4.3.
    """

    def __init__(self, arm: FedAvgMArm, rows: Sequence[int]) -> None:
        super().__init__(rows)
        self._momentum = np.float32(arm.server_momentum)
        self._lr = np.float32(arm.server_lr)
        self._velocity: Arrays = {}

    def step(
        self, name: str, old: NDArray[np.float32], average: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        """Return the old value after a step with momentum."""
        velocity = np.subtract(old, average, dtype=np.float32)
        if name in self._velocity:
            velocity += self._momentum * self._velocity[name]
        self._velocity[name] = velocity
        return np.subtract(old, self._lr * velocity, dtype=np.float32)

    def state(self) -> Arrays:
        """Return the momentum."""
        return {f"{_MOMENTUM}{name}": values for name, values in self._velocity.items()}

    def load_state(self, state: State) -> None:
        """Restore the momentum.

        Raises:
            CheckpointError: It is not this strategy's state.
        """
        foreign = [name for name in state if not name.startswith(_MOMENTUM)]
        if foreign or not state:
            raise self.foreign_state(next(iter(foreign), _MOMENTUM))
        self._velocity = {name.removeprefix(_MOMENTUM): v for name, v in state.items()}
