"""Refuses connections to other machines in every Python process, and writes down each that was tried.

In effect where this folder is on PYTHONPATH; `FEDARM_TEST_CONNECTIONS` names the file to write to.
"""

import os
import sys
from pathlib import Path

_HERE = ("", "localhost", "127.0.0.1", "::1")


def _refuse(event: str, arguments: tuple) -> None:
    if event == "socket.connect" and isinstance(arguments[1], tuple):
        host = arguments[1][0]
    elif event == "socket.getaddrinfo":
        host = arguments[0] or ""
    else:
        return
    name = host.decode() if isinstance(host, bytes) else str(host)
    if name not in _HERE:
        with Path(os.environ["FEDARM_TEST_CONNECTIONS"]).open("a", encoding="utf-8") as file:
            file.write(f"{event} {name}: {' '.join(sys.orig_argv)}\n")
        raise OSError(f"the network was asked for {name}")


sys.addaudithook(_refuse)
