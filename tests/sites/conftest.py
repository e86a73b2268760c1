"""A SuperLink of `fedarm site serve`, and SuperNodes that join it: real processes on loopback."""

import os
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

from fedarm.federated.certificates import make_deployment
from fedarm.federated.superlink import free_port

BINARIES = Path(sys.executable).parent
TIMEOUT_S = 300


@contextmanager
def running(command, log):
    """Run a command that writes to a log, and end it."""
    # Flower's programs look for each other.
    path = f"{BINARIES}{os.pathsep}{os.environ['PATH']}"
    with log.open("w") as file:
        process = subprocess.Popen(
            command, stdout=file, stderr=subprocess.STDOUT, env={**os.environ, "PATH": path}
        )
    try:
        yield process
    finally:
        process.terminate()
        process.wait(TIMEOUT_S)


def wait_for(text, log, process):
    """Wait until a process has said something in its log."""
    deadline_s = time.monotonic() + TIMEOUT_S
    while text not in log.read_text():
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < deadline_s, log.read_text()
        time.sleep(0.2)


@pytest.fixture(scope="module")
def deployment(tmp_path_factory):
    """A served folder with the keys of three clients; yields the folder and the port.

    One a module: a node that was killed counts as connected until the SuperLink misses its heartbeats.
    """
    root = tmp_path_factory.mktemp("deployment")
    folder, port, log = root / "served", free_port(), root / "serve.log"
    make_deployment(folder, names=["127.0.0.1"], clients=["left", "right", "visitor"], days=1)
    command = [str(BINARIES / "fedarm"), "site", "serve", str(folder)]
    with running([*command, "--listen", "127.0.0.1", "--port", str(port)], log) as process:
        wait_for("ready; to submit runs", log, process)
        yield folder, port
