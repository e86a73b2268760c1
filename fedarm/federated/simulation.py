"""A federated run on Flower's simulation engine: each client works in one of Ray's actors.

The engine runs in a process of its own, which ends with the job that started it, and Ray's many
processes with it. Ray chooses free ports; what it writes is in a folder that is removed at the end.
"""

from __future__ import annotations

import argparse
import logging
import math
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from flwr.app import Context
from flwr.serverapp import Grid, ServerApp
from pydantic import TypeAdapter

from fedarm.errors import EXIT_USER_ERROR, FedarmError, MachineError
from fedarm.federated import client_app
from fedarm.federated.exchange import ClientError
from fedarm.federated.ownership import end_with_parent, owned
from fedarm.federated.records import pack_settings, unpack_settings
from fedarm.federated.rounds import hold_rounds
from fedarm.gpus import usable_gpus
from fedarm.logging import log_to_stderr
from fedarm.settings import Runtime, TrainSettings

_SETTINGS = "settings.json"
_RUNTIME = "runtime.json"
_ERROR = "error.txt"
# The names of Ray's sockets in its folder must fit into 107 bytes.
_LONGEST_FOLDER = 30
_RUNTIME_ADAPTER = TypeAdapter(Runtime)


def train_in_simulation(settings: TrainSettings, runtime: Runtime) -> None:
    """Train a federated run on Ray, and wait for its end.

    Args:
        settings: The run's settings.
        runtime: How many clients work at the same time, and with what.

    Raises:
        ClientError: The run failed through a mistake in its input, or a client did.
        MachineError: The engine itself failed.
    """
    with _private_folder() as folder:
        (folder / _SETTINGS).write_text(pack_settings(settings), encoding="utf-8")
        (folder / _RUNTIME).write_bytes(_RUNTIME_ADAPTER.dump_json(runtime))
        command = [sys.executable, "-m", __name__, "--folder", str(folder)]
        with owned(command, environment=_environment(folder)) as engine:
            code = engine.wait()
        if code == EXIT_USER_ERROR:
            raise ClientError((folder / _ERROR).read_text(encoding="utf-8"))
    if code:
        raise MachineError(
            "Flower's simulation engine failed",
            key="exit code",
            value=code,
            remedy="see above what it said; `federation.runtime: inprocess` does without the engine",
        )


@contextmanager
def _private_folder() -> Iterator[Path]:
    parent = tempfile.gettempdir()
    folder = Path(
        tempfile.mkdtemp(prefix="fedarm_", dir="/tmp" if len(parent) > _LONGEST_FOLDER else parent)
    )
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _environment(folder: Path) -> dict[str, str]:
    """Return the engine's environment: no Ray cluster of others, and no Flower home of others."""
    inherited = {name: value for name, value in os.environ.items() if name != "RAY_ADDRESS"}
    return {
        **inherited,
        "FLWR_HOME": str(folder / "flwr"),
        # Ray would hide all GPUs from actors that ask for none: other bytes than in process.
        "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
        # Actors import the same fedarm as this process, from wherever they are started.
        "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
    }


def _simulate(folder: Path) -> None:
    """Run the engine to the end of the run; an error of the server's app is raised here."""
    from flwr.simulation import run_simulation

    settings = unpack_settings((folder / _SETTINGS).read_text(encoding="utf-8"))
    runtime = _RUNTIME_ADAPTER.validate_json((folder / _RUNTIME).read_bytes())
    server = ServerApp()

    @server.main()
    def main(grid: Grid, _context: Context) -> None:
        hold_rounds(grid, settings)

    run_simulation(
        server_app=server,
        client_app=client_app.app,
        num_supernodes=len(settings.run.clients),
        backend_config=backend_config(runtime, folder),
    )


def backend_config(runtime: Runtime, folder: Path) -> dict[str, Any]:
    """Return the configuration of Flower's Ray engine.

    Args:
        runtime: How many clients work at the same time, and with what.
        folder: Where Ray keeps its files.
    """
    return {
        "client_resources": {"num_cpus": runtime.client_cpus, "num_gpus": runtime.client_gpus},
        "init_args": {
            # As many cores as there are workers to use them, whatever the machine has; the job's GPUs.
            "num_cpus": math.ceil(runtime.workers * runtime.client_cpus),
            "num_gpus": len(usable_gpus()),
            "_temp_dir": str(folder / "ray"),
            "include_dashboard": False,
            "logging_level": "warning",
            "log_to_driver": True,
        },
    }


def main() -> None:
    """Run the engine in this process, which `train_in_simulation` has started."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, required=True)
    folder = parser.parse_args().folder
    end_with_parent()
    log_to_stderr()
    logging.getLogger("flwr").setLevel(logging.WARNING)
    try:
        _simulate(folder)
    except FedarmError as error:
        (folder / _ERROR).write_text(str(error), encoding="utf-8")
        raise SystemExit(EXIT_USER_ERROR) from None


if __name__ == "__main__":
    main()
