"""The command `fedarm cluster`: can this workflow's jobs be sent to the SLURM cluster from here?

    fedarm cluster check    Snakemake's executor, SLURM's commands, its controller, and its partitions

What a workflow's own jobs ask for, its run checks by itself, before the first is submitted.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from typing import Any

from fedarm.slurm import Partition, read_partitions, require_memory, require_plugin


def add_commands(groups: Any) -> None:
    """Add the command to the parser of `fedarm`."""
    group = groups.add_parser("cluster", help="send an experiment's jobs to a SLURM cluster")
    commands = group.add_subparsers(required=True, metavar="COMMAND")
    check = commands.add_parser(
        "check",
        help="say whether jobs can be sent from here, and what partitions there are",
        description="Say whether jobs can be sent from here, and what partitions there are.",
        epilog="exit code: 0 jobs can be sent, 2 they cannot",
    )
    check.add_argument("--json", action="store_true", help="print JSON")
    check.set_defaults(run=_check)


def _check(args: argparse.Namespace) -> int:
    require_plugin()
    partitions = read_partitions()
    require_memory()
    if args.json:
        print(json.dumps([asdict(partition) for partition in partitions], indent=2))
    else:
        for partition in partitions:
            print(_line(partition))
    return 0


def _line(partition: Partition) -> str:
    default = " (default)" if partition.is_default else ""
    gpus = f"up to {partition.gpus} GPUs a node" if partition.gpus else "no GPUs"
    return f"{partition.name}{default}: {gpus}"
