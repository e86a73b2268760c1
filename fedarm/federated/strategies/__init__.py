"""The federated algorithms: one registered class a file, behind Flower's interface of a strategy.

A new strategy is one file here that registers a class, an import below, and its section in
`fedarm.config_arms.FederatedArm`.
"""

from fedarm.federated.strategies.base import STRATEGIES, RoundStrategy
from fedarm.federated.strategies.fedadam import FedAdam
from fedarm.federated.strategies.fedavg import FedAvg
from fedarm.federated.strategies.fedavgm import FedAvgM
from fedarm.federated.strategies.fedprox import FedProx
from fedarm.federated.strategies.fedyogi import FedYogi
from fedarm.federated.strategies.krum import Krum
from fedarm.federated.strategies.personalised import Personalised
from fedarm.federated.strategies.scaffold import Scaffold
from fedarm.federated.strategies.trimmed_mean import TrimmedMean

__all__ = [
    "STRATEGIES",
    "FedAdam",
    "FedAvg",
    "FedAvgM",
    "FedProx",
    "FedYogi",
    "Krum",
    "Personalised",
    "RoundStrategy",
    "Scaffold",
    "TrimmedMean",
]
