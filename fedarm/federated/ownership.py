"""Processes that end with the one that started them, however it ends.

A killed launcher of Flower's simulation leaves its server and Ray's processes behind, which go on to the
last round: whoever starts the run again is then the second writer in the same folder. So a launcher
starts them under a guard, a small process that waits for the launcher's end of a pipe to close, which no
way of dying can prevent, and then ends all that descends from it. What writes holds a lock, too
(`fedarm.locks`).
"""

from __future__ import annotations

import ctypes
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from fedarm.errors import MachineError

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_POLL_S = 0.1


def end_with_parent() -> None:
    """Have the kernel kill this process when its parent ends."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


@contextmanager
def owned(
    command: Sequence[str], *, environment: Mapping[str, str]
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a command; it and all its descendants end with the block, or with this process.

    Args:
        command: The program and its arguments.
        environment: Its environment variables, all of them.

    Yields:
        The guard, which ends when the command does, and with its exit code.

    Raises:
        MachineError: This is not Linux, where orphans can be found.
    """
    if sys.platform != "linux":
        raise MachineError(
            "processes can be owned on Linux only",
            value=sys.platform,
            remedy="use Linux, or set `federation.runtime: inprocess`",
        )
    theirs, ours = os.pipe()
    guard = subprocess.Popen(
        [sys.executable, "-m", __name__, str(theirs), *command],
        env=dict(environment),
        pass_fds=(theirs,),
        start_new_session=True,
    )
    os.close(theirs)
    try:
        yield guard
    finally:
        os.close(ours)
        guard.wait()


def guard(pipe: int, command: Sequence[str]) -> int:
    """Run a command until it ends or the pipe closes, end its descendants, return its exit code."""
    # Orphans of any depth become children of this process.
    ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1)
    # Signals to the launcher's terminal or job reach it; this process goes by the pipe.
    for name in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(name, lambda *_: None)
    child = subprocess.Popen(command)
    while child.poll() is None:
        readable, _, _ = select.select([pipe], [], [], _POLL_S)
        if readable:
            break
    # Negative for a signal, which as an exit code is 128 and the signal's number.
    code = child.poll()
    _end_descendants()
    if code is None:
        return 128 + signal.SIGKILL
    return code if code >= 0 else 128 - code


def _end_descendants() -> None:
    """Kill all descendants, and those that they start meanwhile, and reap them."""
    while children := _descendants(os.getpid()):
        for process in children:
            try:
                os.kill(process, signal.SIGKILL)
            except ProcessLookupError:
                continue
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        except ChildProcessError:
            return
        time.sleep(_POLL_S / 10)


def _descendants(ancestor: int) -> list[int]:
    """Return the ids of the processes that descend from one, nearest first."""
    parents: dict[int, list[int]] = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                status = (folder / "stat").read_text()
            except OSError:
                continue
            # The name in brackets may hold spaces; the state and the parent's id follow it.
            parent = int(status.rpartition(")")[2].split()[1])
            parents.setdefault(parent, []).append(int(folder.name))
    found: list[int] = []
    waiting = [ancestor]
    while waiting:
        children = parents.get(waiting.pop(0), [])
        found.extend(children)
        waiting.extend(children)
    return found


if __name__ == "__main__":
    raise SystemExit(guard(int(sys.argv[1]), sys.argv[2:]))
