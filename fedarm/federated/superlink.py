"""Start the two kinds of process of a deployment: the server's SuperLink, and a site's SuperNode."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from fedarm.data.checks import run_checks
from fedarm.data.frame_cache import build_frame_cache
from fedarm.errors import ConfigError, DataError, MachineError
from fedarm.federated.certificates import (
    CA,
    KEYS,
    SERVER,
    SERVER_KEY,
    check_node_key,
    load_certificate,
)
from fedarm.federated.deployment import flwr
from fedarm.federated.environment import quiet_flower
from fedarm.federated.ownership import owned
from fedarm.federated.site import CACHE, CLIENT, START
from fedarm.logging import get_logger
from fedarm.paths import make_folder, write_atomic

CONNECTION = "fedarm"
FLOWER_HOME = "flower"

_START_TIMEOUT_S = 120.0
_POLL_S = 0.2
_logger = get_logger(__name__)


def serve(folder: Path, *, host: str, port: int) -> int:
    """Run the SuperLink until it ends, with every key in the folder registered; return its exit code.

    Args:
        folder: What `fedarm site init` has written.
        host: The address to listen on.
        port: The port to listen on.

    Raises:
        ConfigError: A certificate is missing or has expired.
        MachineError: The port is in use, or the SuperLink does not start.
    """
    for name in (CA, SERVER):
        load_certificate(folder / name)
    require_free(host, port)
    home = folder / FLOWER_HOME
    write_connection(home, folder / CA, port=port)
    os.environ["FLWR_HOME"] = str(home.absolute())
    _find_programs()
    command = superlink_command(folder, host=host, port=port)
    with owned(command, environment=os.environ) as superlink:
        _await_port(port, superlink)
        for key in sorted((folder / KEYS).glob("*.pub")):
            flwr("supernode", "register", str(key), CONNECTION, connection=CONNECTION)
            _logger.info("registered the key of %s", key.stem)
        _logger.info("ready; to submit runs: export FLWR_HOME=%s", home.absolute())
        return superlink.wait()


def superlink_command(folder: Path, *, host: str, port: int) -> list[str]:
    """Return the command that runs the SuperLink, with TLS and node authentication."""
    return [
        _program("flower-superlink"),
        *("--ssl-ca-certfile", str(folder / CA)),
        *("--ssl-certfile", str(folder / SERVER)),
        *("--ssl-keyfile", str(folder / SERVER_KEY)),
        "--enable-supernode-auth",
        *("--host", host),
        *("--port", str(port)),
        "--disable-runtime-dependency-installation",
    ]


def write_connection(home: Path, authority: Path, *, port: int) -> None:
    """Write the Flower configuration that names the SuperLink on this machine."""
    write_atomic(
        home / "config.toml",
        f'[superlink]\ndefault = "{CONNECTION}"\n\n[superlink.{CONNECTION}]\n'
        f'address = "127.0.0.1:{port}"\nroot-certificates = "{authority.absolute()}"\n',
    )


def prepare_site(
    *, client: str, dataset: Path, cache: Path, image_size: int, allow_defects: bool = False
) -> None:
    """Check this site's dataset and make the frames that training reads; neither leaves the site.

    Args:
        client: The client's name.
        dataset: The LeRobot dataset.
        cache: Where the frames go.
        image_size: Side of the image that the policy sees, in pixels.
        allow_defects: Go on when a check finds fault.

    Raises:
        DataError: The dataset is missing or defective.
    """
    if not dataset.is_dir():
        raise DataError(
            "this site does not have the dataset",
            file=dataset,
            key=f"client {client}",
            remedy="give --dataset the folder of a LeRobot dataset on this machine",
        )
    if not allow_defects:
        run_checks(dataset, name=client).require_passed()
    if not (cache / "manifest.json").is_file():
        make_folder(cache.parent)
        build_frame_cache(dataset, cache, image_size=image_size)


def node_command(
    *,
    server: str,
    authority: Path,
    key: Path,
    client: str,
    cache: Path,
    start: Path,
    port: int,
) -> list[str]:
    """Return the command that runs a site's SuperNode.

    Args:
        server: The SuperLink's address, `host:port`.
        authority: The federation's ca.crt.
        key: This node's private key.
        client: The client's name.
        cache: This site's frames.
        start: This site's copy of the starting checkpoint.
        port: A free port of this machine, used on this machine only.

    Raises:
        ConfigError: The certificate has expired, the key is of the wrong kind, or a file is missing.
        MachineError: The port is in use.
    """
    load_certificate(authority)
    check_node_key(key)
    if not start.is_dir():
        raise ConfigError(
            "this site does not have the starting checkpoint",
            file=start,
            key=START,
            remedy="give --start a copy of the server's `base/.../pretrained_model` folder",
        )
    require_free("127.0.0.1", port)
    entries = {CLIENT: client, CACHE: str(cache.absolute()), START: str(start.absolute())}
    return [
        _program("flower-supernode"),
        *("--root-certificates", str(authority)),
        *("--superlink", server),
        *("--host", "127.0.0.1"),
        *("--port", str(port)),
        *("--auth-supernode-private-key", str(key)),
        *("--node-config", " ".join(f'{name}="{value}"' for name, value in entries.items())),
    ]


def join(command: Sequence[str]) -> int:
    """Run a SuperNode until it ends; return its exit code."""
    quiet_flower()
    _find_programs()
    with owned(command, environment=os.environ) as node:
        return node.wait()


def free_port() -> int:
    """Return a port of this machine that nothing uses at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def require_free(host: str, port: int) -> None:
    """Refuse a port that is in use.

    Raises:
        MachineError: It is, or may not be used.
    """
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise MachineError(
                f"cannot listen on the port: {error.strerror}",
                key="port",
                value=f"{host}:{port}",
                remedy="choose another with --port, or end what uses it",
            ) from None


def _await_port(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline_s = time.monotonic() + _START_TIMEOUT_S
    while time.monotonic() < deadline_s and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=_POLL_S).close()
        except OSError:
            time.sleep(_POLL_S)
        else:
            return
    raise MachineError(
        "the SuperLink did not start",
        key="exit code",
        value=process.poll(),
        remedy="see above what it said",
    )


def _program(name: str) -> str:
    """Return the path of a program of this environment."""
    return str(Path(sys.executable).with_name(name))


def _find_programs() -> None:
    """Let Flower's programs find each other, also where this environment is not activated."""
    programs = str(Path(sys.executable).parent)
    os.environ["PATH"] = os.pathsep.join([programs, os.environ.get("PATH", "")])
