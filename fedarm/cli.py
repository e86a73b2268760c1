"""The `fedarm` command: datasets, videos, real arms, the size of a study, federations, clusters.

    fedarm data check PATH                      is this dataset sound?
    fedarm data fix PATH --out DIR              write a repaired copy
    fedarm data summarize PATH --out FILE       what others may know of it, without its rows
    fedarm data gate PATH_OR_SUMMARY...         do these datasets fit together?
    fedarm video analyze PATH                   what is in these videos, what is wrong: `cli_video.py`
    fedarm evaluation sheet | join | check      policies judged on a real arm: `cli_evaluation.py`
    fedarm plan                                 how many seeds and episodes it takes: `cli_plan.py`
    fedarm cluster check                        can jobs be sent to SLURM from here: `cli_cluster.py`
    fedarm site init | serve | join             a federation between sites: `cli_site.py`
    fedarm track FOLDER                         metrics in TensorBoard or W&B: `cli_track.py`
    fedarm push FOLDER --owner NAME --arm ARM   checkpoints to the hub: `cli_push.py`

Exit codes of `data`: 0 nothing found, 1 defects found, 2 not usable: no dataset, a wrong argument. What
its subcommands do is in `cli_data.py`, and is imported when one runs: help and mistakes answer at once.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

from fedarm import cli_cluster, cli_evaluation, cli_plan, cli_push, cli_site, cli_track, cli_video
from fedarm.errors import EXIT_USER_ERROR, FedarmError

# What a shell reports of a program that Ctrl-C has ended.
EXIT_INTERRUPTED = 128 + signal.SIGINT

_EXIT_CODES = (
    "exit code: 0 nothing found, 1 defects found, 2 not usable (no dataset, wrong argument)"
)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code.

    Args:
        argv: The arguments; by default those of the process.
    """
    args = _parser().parse_args(argv)
    # A job that is told to end cleans up like one that is interrupted.
    before = signal.signal(signal.SIGTERM, _interrupt)
    try:
        return int(args.run(args))
    except FedarmError as error:
        if args.json:
            print(json.dumps({"error": str(error)}, indent=2))
        print(f"error: {error}", file=sys.stderr)
        return EXIT_USER_ERROR
    except KeyboardInterrupt:
        print("interrupted: nothing half-written is left", file=sys.stderr)
        return EXIT_INTERRUPTED
    finally:
        signal.signal(signal.SIGTERM, before)


def _interrupt(_signal: int, _frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt


def _run_data(args: argparse.Namespace) -> int:
    from fedarm import cli_data

    return int(getattr(cli_data, args.command)(args))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="fedarm",
        description="Datasets and videos of robots, policies on real arms, the size of a study,"
        " federations of datasets' owners, and clusters.",
    )
    groups = parser.add_subparsers(required=True, metavar="COMMAND")
    data = groups.add_parser("data", help="check, repair and compare datasets")
    commands = data.add_subparsers(required=True, metavar="COMMAND")

    check = _add(commands, "check", "Say whether a dataset is sound")
    check.add_argument("path", type=Path, metavar="PATH", help="the dataset's folder")
    _allow_warnings(check)

    fix = _add(commands, "fix", "Write a repaired copy of a dataset and check it")
    fix.add_argument("path", type=Path, metavar="PATH", help="the dataset's folder; never changed")
    fix.add_argument("--out", type=Path, required=True, metavar="DIR", help="the repaired dataset")
    fix.add_argument(
        "--with",
        dest="fixes",
        type=Path,
        metavar="FILE",
        help="a YAML list of hotfixes, as in a configuration; by default those that need no answer",
    )
    _allow_warnings(fix)

    summarize = _add(commands, "summarize", "Write what others may know of a dataset, without rows")
    summarize.add_argument("path", type=Path, metavar="PATH", help="the dataset's folder")
    summarize.add_argument("--out", type=Path, required=True, metavar="FILE", help="a JSON file")
    summarize.add_argument(
        "--name", help="what findings call the dataset; by default its folder's name"
    )
    _salt(summarize)

    gate = _add(commands, "gate", "Say whether datasets fit together, and whether episodes leak")
    where = "folders of datasets, or files that `fedarm data summarize` wrote"
    gate.add_argument("clients", type=Path, nargs="+", metavar="PATH_OR_SUMMARY", help=where)
    gate.add_argument(
        "--unseen",
        type=Path,
        nargs="+",
        default=[],
        metavar="PATH_OR_SUMMARY",
        help="never trained on",
    )
    _salt(gate)
    _allow_warnings(gate)

    cli_evaluation.add_commands(groups)
    cli_video.add_commands(groups)
    cli_plan.add_command(groups)
    cli_site.add_commands(groups)
    cli_cluster.add_commands(groups)
    cli_track.add_command(groups)
    cli_push.add_command(groups)
    return parser


def _add(commands: Any, name: str, text: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(
        name, help=text[0].lower() + text[1:], description=f"{text}.", epilog=_EXIT_CODES
    )
    parser.set_defaults(run=_run_data, command=name)
    parser.add_argument("--json", action="store_true", help="print JSON")
    return parser


def _allow_warnings(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--allow-warnings", action="store_true", help="exit with 0 when there are only warnings"
    )


def _salt(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--salt",
        help="keys the episodes' sketches; the same for all who compare (default: a public one)",
    )


if __name__ == "__main__":
    raise SystemExit(main())
