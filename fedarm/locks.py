"""Results with one writer.

A job may outlive the Snakemake that has sent it to a cluster, which is then started again.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from fedarm.errors import ResultsError
from fedarm.logging import get_logger
from fedarm.paths import make_folder

_POLL_S = 0.1
# A former writer that has lost its launcher ends within seconds.
_LOCK_TIMEOUT_S = 30.0

_logger = get_logger(__name__)


@contextmanager
def only_writer(folder: Path, *, timeout_s: float = _LOCK_TIMEOUT_S) -> Iterator[None]:
    """Hold a lock on a folder of results; the lock goes when its holder ends, however it ends.

    Args:
        folder: The folder, which is made if need be. The lock leaves no file in it.
        timeout_s: How long to wait for another writer to end.

    Raises:
        ResultsError: Another process writes there and does not end, or nobody can.
    """
    make_folder(folder)
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        _lock(descriptor, folder, time.monotonic() + timeout_s)
        yield
    finally:
        os.close(descriptor)


def _lock(descriptor: int, folder: Path, deadline_s: float) -> None:
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline_s:
                raise ResultsError(
                    "another process writes these results",
                    file=folder,
                    remedy="wait for it to end, or end it (on a cluster, squeue --me and scancel)",
                ) from None
            time.sleep(_POLL_S)
        except OSError as error:
            # Some network file systems lock no folders.
            _logger.warning("no lock on %s: %s; start no second run there", folder, error)
            return
        else:
            return
