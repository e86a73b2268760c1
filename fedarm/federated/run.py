"""One federated run, as a training job starts it: the same apps in every runtime."""

from __future__ import annotations

import logging

from flwr.clientapp import ClientApp

from fedarm.federated import client_app, server_app
from fedarm.federated.deployment import train_in_deployment
from fedarm.federated.inprocess import InProcessGrid
from fedarm.federated.keys import SETTINGS
from fedarm.federated.records import pack_settings
from fedarm.federated.simulation import train_in_simulation
from fedarm.federated.workers import WorkersGrid
from fedarm.settings import Runtime, TrainSettings


def train_federated(settings: TrainSettings, runtime: Runtime | None = None) -> None:
    """Train a federated run from the base policy.

    Killed and called again, it goes on from its last round and ends with the same bytes.

    Args:
        settings: The run's settings.
        runtime: Where the clients work; by default one after the other in this process.

    Raises:
        ClientError: A client failed, or answered with NaN.
        DataError: An unseen dataset cannot be read.
        CheckpointError: The base is missing, broken, or of another architecture.
        MachineError: The simulation cannot run here, or the SuperLink cannot be reached.
        ResultsError: The results cannot be written.
    """
    # Flower says each round how many of the clients it has sampled; here it is always all.
    logging.getLogger("flwr").setLevel(logging.WARNING)
    runtime = runtime or Runtime()
    if runtime.kind == "simulation":
        train_in_simulation(settings, runtime)
    elif runtime.kind == "deployment":
        train_in_deployment(settings, runtime)
    else:
        _train_in_process(settings, runtime.workers)


def _train_in_process(settings: TrainSettings, workers: int) -> None:
    clients = len(settings.run.clients)
    if workers == 1:
        caught = settings.faults.excludes
        _serve(InProcessGrid(client_app.app, clients, catch_failures=caught), settings)
        return
    with WorkersGrid(load_client_app, clients, workers=workers) as grid:
        _serve(grid, settings)


def _serve(grid: InProcessGrid, settings: TrainSettings) -> None:
    server_app.app(grid, grid.server_context({SETTINGS: pack_settings(settings)}))


def load_client_app() -> ClientApp:
    """Return the app of every client, as a worker process loads it."""
    return client_app.app
