"""Federated averaging of clients that are held close to the global weights."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from flwr.app import ArrayRecord, ConfigRecord, Message
from flwr.serverapp import Grid

from fedarm.config_arms import FedProxArm
from fedarm.federated.keys import PROXIMAL_MU
from fedarm.federated.strategies.base import STRATEGIES
from fedarm.federated.strategies.fedavg import FedAvg


@STRATEGIES.register("fedprox")
class FedProx(FedAvg):
    """`FedAvg` that tells the clients to add `mu/2 ||w - w_global||^2` to their loss.

    The server only sends mu; the term itself, which the docstring of Flower's class of this name gets
    wrong (the norm is not squared, and its generator of global weights is empty from the second batch
    on), is `fedarm.training.proximal`.

    Args:
        arm: The arm's section of the configuration.
        rows: Rows of each client, in client order.

    Source:
        Li et al. 2020, "Federated Optimization in Heterogeneous Networks", equation 2.
    """

    def __init__(self, arm: FedProxArm, rows: Sequence[int]) -> None:
        super().__init__(arm, rows)
        self._mu = arm.mu

    def configure_train(
        self, server_round: int, arrays: ArrayRecord, config: ConfigRecord, grid: Grid
    ) -> Iterable[Message]:
        """Address every client, with mu: the arm's own, unless the round's plan has adapted it."""
        config.setdefault(PROXIMAL_MU, self._mu)
        return super().configure_train(server_round, arrays, config, grid)
