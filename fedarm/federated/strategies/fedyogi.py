"""Yogi on the server."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fedarm.federated.strategies.adaptive import AdaptiveStrategy
from fedarm.federated.strategies.base import STRATEGIES


@STRATEGIES.register("fedyogi")
class FedYogi(AdaptiveStrategy):
    """An adaptive strategy with `v <- v - (1 - beta2) d^2 sign(v - d^2)`.

    Source:
        Reddi et al. 2021, "Adaptive Federated Optimization", algorithm 2 (FEDYOGI).
    """

    def second_moment(
        self, second: NDArray[np.float32], squared: NDArray[np.float32], *, rest: np.float32
    ) -> NDArray[np.float32]:
        """Return a moment that moves by the square, not by its distance from the square."""
        moved: NDArray[np.float32] = second - rest * squared * np.sign(second - squared)
        return moved
