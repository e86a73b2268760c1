"""One federated run in this process: the same apps as under `flwr run`, without a network."""

from __future__ import annotations

import logging

from fedarm.federated import client_app, server_app
from fedarm.federated.inprocess import InProcessGrid
from fedarm.federated.keys import SETTINGS
from fedarm.federated.records import pack_settings
from fedarm.settings import TrainSettings


def train_federated(settings: TrainSettings) -> None:
    """Train a federated run from the base policy, with all its clients in this process.

    Killed and called again, it goes on from its last round and ends with the same bytes.

    Args:
        settings: The run's settings.

    Raises:
        ClientError: A client failed, or answered with NaN.
        DataError: An unseen dataset cannot be read.
        CheckpointError: The base is missing, broken, or of another architecture.
        ResultsError: The results cannot be written.
    """
    # Flower says each round how many of the clients it has sampled; here it is always all.
    logging.getLogger("flwr").setLevel(logging.WARNING)
    grid = InProcessGrid(
        client_app.app, len(settings.run.clients), catch_failures=settings.faults.excludes
    )
    server_app.app(grid, grid.server_context({SETTINGS: pack_settings(settings)}))
