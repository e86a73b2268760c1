"""Who may join a SuperLink."""

import sys
import time
from pathlib import Path

from fedarm.federated.certificates import make_deployment, make_node_key
from fedarm.federated.superlink import free_port, node_command
from tests.sites.conftest import TIMEOUT_S, running, wait_for


def joining(deployment, tmp_path, **changes):
    folder, port = deployment
    (tmp_path / "start").mkdir()
    options = {
        "server": f"127.0.0.1:{port}",
        "authority": folder / "ca.crt",
        "key": folder / "keys" / "visitor",
        "client": "visitor",
        "cache": tmp_path / "cache",
        "start": tmp_path / "start",
        "port": free_port(),
    }
    return node_command(**{**options, **changes})


def test_a_node_with_a_registered_key_is_let_in(deployment, tmp_path):
    log = tmp_path / "log"
    with running(joining(deployment, tmp_path), log) as process:
        wait_for("SuperNode ID", log, process)


def test_a_node_ends_with_the_command_that_started_it(deployment, tmp_path):
    """However that one ends: nobody should answer for a lab that believes to have left."""
    command, log = joining(deployment, tmp_path), tmp_path / "log"
    code = f"from fedarm.federated.superlink import join; join({command!r})"
    with running([sys.executable, "-c", code], log) as process:
        wait_for("SuperNode ID", log, process)
        assert running_with(tmp_path)
        process.kill()
        deadline_s = time.monotonic() + TIMEOUT_S
        while running_with(tmp_path):
            assert time.monotonic() < deadline_s
            time.sleep(0.1)


def running_with(folder):
    """Return the commands, among all processes, that name a folder."""
    found = []
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = file.read_bytes().split(b"\0")
        except OSError:
            # It has ended meanwhile.
            continue
        if any(str(folder).encode() in word for word in words):
            found.append(words)
    return found


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
