"""Adam on the server."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fedarm.federated.strategies.adaptive import AdaptiveStrategy
from fedarm.federated.strategies.base import STRATEGIES


@STRATEGIES.register("fedadam")
class FedAdam(AdaptiveStrategy):
    """An adaptive strategy with `v <- beta2 v + (1 - beta2) d^2`.

    Source:
        Reddi et al. 2021, "Adaptive Federated Optimization", algorithm 2 (FEDADAM).
    """

    def second_moment(
        self, second: NDArray[np.float32], squared: NDArray[np.float32], *, rest: np.float32
    ) -> NDArray[np.float32]:
        """Return the decaying mean of squares."""
        return (1 - rest) * second + rest * squared
