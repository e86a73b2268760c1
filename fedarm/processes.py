"""Worker processes: fresh interpreters that end with the process that started them."""

from __future__ import annotations

import gc
import importlib
import multiprocessing
import os
import threading
from concurrent.futures import ProcessPoolExecutor


def worker_pool(workers: int, *, module: str) -> ProcessPoolExecutor:
    """Return a pool of processes.

    Not forked: a copy of a process with an open graphics context or with threads may hang.

    Args:
        workers: How many.
        module: What each imports before its first task.
    """
    return ProcessPoolExecutor(
        workers,
        mp_context=multiprocessing.get_context("spawn"),
        initializer=_begin,
        initargs=(module,),
    )


def end_with_parent() -> None:
    """End this worker process, also in the middle of a task, when the one that started it has ended.

    Otherwise the workers of a killed job would finish what they are at, beside those of the job that was
    started anew, and then wait for ever.
    """
    threading.Thread(target=_wait_for_parent, daemon=True).start()


def _wait_for_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _begin(module: str) -> None:
    end_with_parent()
    # Imports leave a million objects of PyTorch's, which stay: each time that the collector goes through
    # them it takes a tenth of a second.
    gc.disable()
    importlib.import_module(module)
    gc.freeze()
    gc.enable()
