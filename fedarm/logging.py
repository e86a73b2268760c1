"""Messages of a job: to its log always, to the terminal when there is one.

Snakemake sends a job's stderr to the rule's log file; `Progress` writes its line there at fixed
intervals, and the same line to the controlling terminal if the job has one.
"""

from __future__ import annotations

import logging
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import NoReturn

from fedarm.errors import EXIT_USER_ERROR, FedarmError
from fedarm.import_clock import ImportClock

_LOG_EVERY_S = 10.0
_TERMINAL = Path("/dev/tty")


def get_logger(name: str) -> logging.Logger:
    """Return the logger of a fedarm module."""
    return logging.getLogger(name)


def run_script(main: Callable[[], None]) -> None:
    """Run a script's main function: user mistakes end it with a message and `EXIT_USER_ERROR`.

    The last line of the log says how much of the processor time went into imports.
    """
    # numpy's and scipy's BLAS read this when they are imported. Jobs run side by side, a core each, and
    # threads that wait for a busy core hold the others up.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    clock = ImportClock()
    log_to_stderr()
    try:
        with clock:
            main()
    except FedarmError as error:
        exit_with(error)
    get_logger("fedarm").info(clock.line())


def log_to_stderr() -> None:
    """Write the messages of this process to stderr, with times."""
    logging.basicConfig(
        level=os.environ.get("FEDARM_LOG_LEVEL", "INFO"),
        format="%(asctime)s %(levelname).1s %(name)s: %(message)s",
        datefmt="%H:%M:%S",
        stream=sys.stderr,
    )


def exit_with(error: FedarmError) -> NoReturn:
    """Print a user's mistake without a traceback and end the process with `EXIT_USER_ERROR`."""
    print(f"error: {error}", file=sys.stderr)
    raise SystemExit(EXIT_USER_ERROR) from None


class Progress:
    """Counts work done and says how fast it goes and when it will end.

    Args:
        total: Units of work in all.
        label: What is being done, for example "central seed 0".
        unit: What is counted, for example "samples".
        done: Units already done, when a killed job goes on.

    Example:
        with Progress(64000, label="central seed 0", unit="samples") as progress:
            progress.advance(32)
    """

    def __init__(self, total: int, *, label: str, unit: str, done: int = 0) -> None:
        self._total = total
        self._label = label
        self._unit = unit
        self._done = done
        self._start_done = done
        self._start_s = time.monotonic()
        self._last_log_s = self._start_s
        self._logger = get_logger("fedarm.progress")

    def __enter__(self) -> Progress:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._say()

    def advance(self, amount: int = 1) -> None:
        """Count `amount` units as done and say so when it is time to."""
        self._done += amount
        now_s = time.monotonic()
        if now_s - self._last_log_s >= _LOG_EVERY_S:
            self._last_log_s = now_s
            self._say()

    def line(self) -> str:
        """Return the progress line: label, share, speed, time to go."""
        elapsed_s = max(time.monotonic() - self._start_s, 1e-9)
        rate = (self._done - self._start_done) / elapsed_s
        left_s = (self._total - self._done) / rate if rate > 0 else float("inf")
        eta = f"{left_s:.0f} s" if left_s != float("inf") else "unknown"
        return (
            f"{self._label}: {self._done}/{self._total} {self._unit}, "
            f"{rate:.1f} {self._unit}/s, ETA {eta}"
        )

    def _say(self) -> None:
        self._logger.info(self.line())
        if not sys.stderr.isatty():
            _write_to_terminal(self.line())


def _write_to_terminal(line: str) -> None:
    """Write a line to the controlling terminal; in a batch job or in CI there is none."""
    try:
        with _TERMINAL.open("w", encoding="utf-8") as terminal:
            terminal.write(f"{line}\n")
    except OSError:
        return
