"""Who may join a SuperLink: real processes, certificates and keys on the loopback interface."""

import os
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

from fedarm.federated.certificates import make_deployment, make_node_key
from fedarm.federated.superlink import free_port, node_command

BINARIES = Path(sys.executable).parent
TIMEOUT_S = 120


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
    deadline_s = time.monotonic() + TIMEOUT_S
    while text not in log.read_text():
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < deadline_s, log.read_text()
        time.sleep(0.2)


@pytest.fixture(scope="module")
def deployment(tmp_path_factory):
    """A served folder with the key of one client; yields the folder and the port."""
    root = tmp_path_factory.mktemp("deployment")
    folder, port, log = root / "served", free_port(), root / "serve.log"
    make_deployment(folder, names=["127.0.0.1"], clients=["left"], days=1)
    command = [str(BINARIES / "fedarm"), "site", "serve", str(folder)]
    with running([*command, "--listen", "127.0.0.1", "--port", str(port)], log) as process:
        wait_for("ready; to submit runs", log, process)
        yield folder, port


def joining(deployment, tmp_path, **changes):
    folder, port = deployment
    (tmp_path / "start").mkdir()
    options = {
        "server": f"127.0.0.1:{port}",
        "authority": folder / "ca.crt",
        "key": folder / "keys" / "left",
        "client": "left",
        "cache": tmp_path / "cache",
        "start": tmp_path / "start",
        "port": free_port(),
    }
    return node_command(**{**options, **changes})


def test_a_node_with_a_registered_key_is_let_in(deployment, tmp_path):
    log = tmp_path / "log"
    with running(joining(deployment, tmp_path), log) as process:
        wait_for("SuperNode ID", log, process)


def refused(command, tmp_path):
    log = tmp_path / "log"
    with running(command, log) as process:
        assert process.wait(TIMEOUT_S) != 0
    assert "SuperNode ID" not in log.read_text()
    return log.read_text()


def test_a_node_with_a_wrong_key_is_refused(deployment, tmp_path):
    make_node_key(tmp_path / "stranger")
    said = refused(joining(deployment, tmp_path, key=tmp_path / "stranger"), tmp_path)
    assert "Failed to activate SuperNode" in said


def test_a_node_without_a_key_is_refused(deployment, tmp_path):
    command = joining(deployment, tmp_path)
    place = command.index("--auth-supernode-private-key")
    said = refused([*command[:place], *command[place + 2 :]], tmp_path)
    assert "authentication is enabled" in said


def test_a_node_leaves_a_server_of_another_authority_alone(deployment, tmp_path):
    make_deployment(tmp_path / "other", names=["127.0.0.1"], clients=[], days=1)
    other = tmp_path / "other" / "ca.crt"
    said = refused(joining(deployment, tmp_path, authority=other), tmp_path)
    assert "CERTIFICATE_VERIFY_FAILED" in said
