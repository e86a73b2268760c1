"""The federated algorithms: one registered class a file, built on Flower's own.

A new strategy is one file here that registers a class, an import below, and its section in
`fedarm.config.FederatedArm`.
"""

from fedarm.federated.strategies.base import STRATEGIES, RoundStrategy
from fedarm.federated.strategies.fedavg import FedAvg
from fedarm.federated.strategies.fedprox import FedProx

__all__ = ["STRATEGIES", "FedAvg", "FedProx", "RoundStrategy"]
