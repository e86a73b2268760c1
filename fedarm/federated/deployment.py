"""A federated run between sites: submitted to a SuperLink that runs already, and watched to its end.

`flwr run` only submits, and says nothing of how a run ends; so its status is asked for until it has one.
The server's app runs on the SuperLink's machine, which must be the one that submits: both see the
results folder. How to start a SuperLink and to join it: docs/federation.md.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import fedarm
from fedarm.errors import MachineError
from fedarm.federated.exchange import ClientError
from fedarm.federated.keys import SETTINGS
from fedarm.federated.records import pack_settings
from fedarm.logging import get_logger
from fedarm.settings import Runtime, TrainSettings

# The folder whose pyproject.toml names the two apps.
APP_FOLDER = Path(fedarm.__file__).parents[1]

_FLWR = Path(sys.executable).with_name("flwr")
_POLL_S = 2.0
_COMPLETED = "finished:completed"
_FINISHED = "finished:"

_logger = get_logger(__name__)


def train_in_deployment(settings: TrainSettings, runtime: Runtime) -> None:
    """Submit a run to the SuperLink and wait for its end; interrupted, stop the run.

    Args:
        settings: The run's settings.
        runtime: The SuperLink's connection.

    Raises:
        ClientError: The run failed.
        MachineError: The SuperLink cannot be reached.
    """
    connection = str(runtime.connection)
    run_id = submit(_absolute(settings), connection)
    _logger.info(
        "run %s on %s: `flwr log %s %s` shows its log", run_id, connection, run_id, connection
    )
    try:
        status = _wait(run_id, connection)
    except BaseException:
        flwr("stop", run_id, connection, connection=connection)
        raise
    if status["status"] != _COMPLETED or not settings.metrics.exists():
        raise ClientError(
            f"the run failed: {status.get('status-details') or 'no details'}",
            key="status",
            value=status["status"],
            remedy=f"`flwr log {run_id} {connection} --show` shows the server's log",
        )


def submit(settings: TrainSettings, connection: str) -> str:
    """Submit a run; return its id.

    Raises:
        MachineError: The SuperLink cannot be reached.
    """
    with TemporaryDirectory() as folder:
        file = Path(folder) / "run.toml"
        # Of a JSON string, TOML reads the escapes alike, if there are none of surrogates.
        packed = json.dumps(pack_settings(settings), ensure_ascii=False)
        file.write_text(f"{SETTINGS} = {packed}\n", encoding="utf-8")
        answer = flwr(
            "run", str(APP_FOLDER), connection, "--run-config", str(file), connection=connection
        )
    return str(answer["run-id"])


def flwr(*arguments: str, connection: str) -> dict[str, Any]:
    """Return the answer of one of Flower's commands.

    Args:
        arguments: The command and its arguments.
        connection: The SuperLink's connection, for messages.

    Raises:
        MachineError: It failed.
    """
    command = [str(_FLWR), *arguments, "--format", "json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    answer = _last_json(done.stdout)
    if done.returncode or not answer.get("success", False):
        said = answer.get("error-message") or done.stderr.strip() or done.stdout.strip()
        raise MachineError(
            f"`flwr {arguments[0]}` failed: {said}",
            key="federation.connection",
            value=connection,
            remedy="start the SuperLink (`fedarm site serve`), and set FLWR_HOME as it says",
        )
    return answer


def _last_json(text: str) -> dict[str, Any]:
    """Return the JSON object that a command has printed, after whatever else it said."""
    start = text.find("{")
    try:
        answer = json.loads(text[start:]) if start >= 0 else {}
    except json.JSONDecodeError:
        return {}
    return answer if isinstance(answer, dict) else {}


def _wait(run_id: str, connection: str) -> dict[str, Any]:
    """Return the status of a run when it has finished."""
    while True:
        answer = flwr("ls", connection, "--run-id", run_id, connection=connection)
        status: dict[str, Any] = answer["runs"][0]
        if status["status"].startswith(_FINISHED):
            return status
        time.sleep(_POLL_S)


def _absolute(settings: TrainSettings) -> TrainSettings:
    """Return the settings with paths that hold wherever the SuperLink was started."""

    def sources(group: str) -> Any:
        return tuple(
            replace(source, cache=source.cache.absolute()) for source in getattr(settings, group)
        )

    return replace(
        settings,
        sources=sources("sources"),
        evaluated=sources("evaluated"),
        start=settings.start and settings.start.absolute(),
        checkpoints=settings.checkpoints.absolute(),
        metrics=settings.metrics.absolute(),
    )
