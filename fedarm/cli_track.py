"""The subcommand `fedarm track`: an experiment's metrics in TensorBoard and Weights & Biases.

Of a finished experiment, of one that was killed, or, with `--follow`, of one that runs. What was shown
before is not shown twice.
"""

from __future__ import annotations

import argparse
import os
import signal
import threading
from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fedarm.errors import ConfigError, ResultsError
from fedarm.logging import log_to_stderr

if TYPE_CHECKING:
    from fedarm.tracking.tracker import Tracker

_EVERY_S = 2.0


def add_command(groups: Any) -> None:
    """Add `track` to the subparsers of the `fedarm` command."""
    parser = groups.add_parser("track", help="show metrics in TensorBoard or Weights & Biases")
    # This command prints no JSON.
    parser.set_defaults(run=track, json=False)
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="results/<experiment>")
    parser.add_argument(
        "--logs", type=Path, help="where trackers' files go; by default logs/<experiment>"
    )
    parser.add_argument("--tensorboard", action="store_true", help="write event files")
    parser.add_argument(
        "--wandb",
        choices=("offline", "online"),
        nargs="?",
        const="offline",
        help="feed Weights & Biases; offline writes files for `wandb sync`",
    )
    parser.add_argument("--wandb-project", default="fedarm", metavar="NAME")
    parser.add_argument("--wandb-entity", metavar="NAME", help="by default that of the account")
    parser.add_argument("--follow", action="store_true", help="go on until interrupted")
    parser.add_argument("--while-parent-is", type=int, metavar="PID", help=argparse.SUPPRESS)


def track(args: Namespace) -> int:
    """Show what there is, and with `--follow` what comes."""
    # First: told to end while the imports below take their seconds, it still looks once.
    told = _told_to_end() if args.follow else None
    from fedarm.tracking.tracker import Tracker

    log_to_stderr()
    if not (args.tensorboard or args.wandb):
        raise ConfigError("no tracker is named", remedy="give --tensorboard, --wandb, or both")
    if not args.follow and not args.folder.is_dir():
        raise ResultsError(
            "no such experiment", file=args.folder, remedy="give results/<experiment>"
        )
    tracker = Tracker(args.folder, _sinks(args))
    if told is not None:
        _follow(tracker, told, parent=args.while_parent_is)
    tracker.close()
    return 0


def _told_to_end() -> threading.Event:
    """Return what is set from now on when the process is told to end, which then goes on."""
    told = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: told.set())
    return told


def _follow(tracker: Tracker, told: threading.Event, *, parent: int | None) -> None:
    """Look again and again, until told to end: never in the middle of a round.

    Args:
        tracker: What looks.
        told: Set when it is told to end.
        parent: The process that started this one; when it is gone, that is the end, too.
    """
    while not told.is_set() and parent in (None, os.getppid()):
        tracker.look()
        told.wait(_EVERY_S)


def _sinks(args: Namespace) -> list[Any]:
    from fedarm.tracking.tensorboard import TensorBoardSink
    from fedarm.tracking.wandb import WandbSink

    logs = args.logs or Path("logs") / args.folder.resolve().name
    sinks: list[Any] = [TensorBoardSink(logs)] if args.tensorboard else []
    if args.wandb:
        project, entity = args.wandb_project, args.wandb_entity
        root = args.folder.resolve()
        sinks.append(WandbSink(root, logs=logs, project=project, entity=entity, mode=args.wandb))
    return sinks
