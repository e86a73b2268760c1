"""The subcommands of `fedarm evaluation`: judging policies on a real arm, blindly.

    fedarm evaluation sheet --config FILE --output FILE --key FILE    draw up the randomised sheet
    fedarm evaluation join --sheet FILE --key FILE --output FILE      a filled sheet to labels
    fedarm evaluation check --config FILE                             do labels and recordings fit?

Exit codes: 0 done, 2 a wrong argument or file.
What a command needs is imported when it runs: help and mistakes answer at once.
"""

from __future__ import annotations

import argparse
from argparse import Namespace
from pathlib import Path
from typing import Any

_INITIAL_CONDITIONS = 10


def add_commands(groups: Any) -> None:
    """Add `evaluation` and its commands to the subparsers of the `fedarm` command."""
    evaluation = groups.add_parser("evaluation", help="judge policies on a real arm, blindly")
    # These commands print no JSON.
    evaluation.set_defaults(json=False)
    commands = evaluation.add_subparsers(required=True, metavar="COMMAND")
    _add_sheet(commands.add_parser("sheet", help="draw up the randomised, blinded sheet"))
    _add_join(commands.add_parser("join", help="make labels of a filled sheet and its key"))
    _add_check(commands.add_parser("check", help="say whether labels and recordings fit"))


def sheet(args: Namespace) -> int:
    """Draw up a sheet and its key."""
    from fedarm.experiment import load_experiment
    from fedarm.rollout.sheet import chosen_datasets, draw_trials, write_sheet

    experiment = load_experiment(args.config)
    runs = experiment.real_arm_runs(tuple(args.arm))
    datasets = chosen_datasets(experiment, args.dataset)
    trials = draw_trials(runs, datasets, initial_conditions=args.initial_conditions, seed=args.seed)
    write_sheet(trials, experiment, sheet=args.output, key=args.key)
    print(
        f"{args.output}: {len(trials)} trials, {args.initial_conditions} initial conditions of"
        f" {len(datasets)} tasks, each met once by {len(runs)} policies."
        f" Keep {args.key} from whoever judges."
    )
    return 0


def join(args: Namespace) -> int:
    """Make labels of a filled sheet."""
    from fedarm.rollout.sheet import join_sheet

    count = join_sheet(sheet=args.sheet, key=args.key, out=args.output)
    print(f"{args.output}: {count} labels")
    return 0


def check(args: Namespace) -> int:
    """Say whether an experiment's labels and recordings fit."""
    from fedarm.evaluation_jobs import recorded_settings
    from fedarm.experiment import load_experiment
    from fedarm.rollout.recorded import read_recorded

    settings = recorded_settings(load_experiment(args.config))
    labels, _ = read_recorded(settings)
    print(
        f"{settings.labels}: {len(labels)} labelled episodes of {len(settings.runs)} runs on"
        f" {len(settings.recordings)} tasks, all of which the recordings have"
    )
    return 0


def _add_sheet(drawing: argparse.ArgumentParser) -> None:
    drawing.set_defaults(run=sheet)
    drawing.add_argument("--config", type=Path, required=True, help="the experiment")
    drawing.add_argument("--output", type=Path, required=True, help="the sheet, a new CSV file")
    drawing.add_argument("--key", type=Path, required=True, help="its key, a new CSV file")
    drawing.add_argument(
        "--initial-conditions",
        type=_positive,
        default=_INITIAL_CONDITIONS,
        metavar="N",
        help=f"how many a task; by default {_INITIAL_CONDITIONS}",
    )
    drawing.add_argument("--seed", type=int, default=0, help="of the order; by default 0")
    drawing.add_argument(
        "--arm",
        action="append",
        default=[],
        help="repeatable; by default those of `evaluation.arms`, or the reference and all federated",
    )
    drawing.add_argument(
        "--dataset",
        action="append",
        default=[],
        help="on whose task; repeatable; by default those of `evaluation.recordings`, or all clients",
    )


def _add_join(joining: argparse.ArgumentParser) -> None:
    joining.set_defaults(run=join)
    joining.add_argument("--sheet", type=Path, required=True, help="the filled sheet")
    joining.add_argument("--key", type=Path, required=True, help="its key")
    joining.add_argument("--output", type=Path, required=True, help="the labels, a new CSV file")


def _add_check(checking: argparse.ArgumentParser) -> None:
    checking.set_defaults(run=check)
    checking.add_argument("--config", type=Path, required=True, help="the experiment")


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be 1 or more")
    return number
