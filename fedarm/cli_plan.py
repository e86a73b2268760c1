"""The command `fedarm plan`: how many seeds and episodes a study needs.

    fedarm plan --pilot results/EXPERIMENT --margin 0.1
    fedarm plan --success 0.8 --seed-sd 0.05 --pair-correlation 0.3 --tasks 4 --margin 0.1

Exit codes: 0 done, 2 a wrong argument or file.
What the command needs is imported when it runs: help and mistakes answer at once.
"""

from __future__ import annotations

import argparse
import json
import math
from argparse import Namespace
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fedarm.errors import ConfigError

if TYPE_CHECKING:
    from fedarm.report.pilot import Pilot
    from fedarm.stats.planning import Resolution
    from fedarm.stats.variances import Variances

PLAN_SCHEMA_VERSION = 1

_MARGINS = (0.2, 0.1)
_EPISODES = (10, 20, 30, 50, 100)
_POWER = 0.8
_ASSUMED = ("success", "seed_sd", "pair_correlation", "tasks")
_ARMS = 2


def add_command(groups: Any) -> None:
    """Add `plan` to the subparsers of the `fedarm` command."""
    text = "Say how many training seeds and episodes a study needs to show non-inferiority"
    parser: argparse.ArgumentParser = groups.add_parser(
        "plan", help=text[0].lower() + text[1:], description=f"{text} (docs/planning.md)."
    )
    parser.set_defaults(run=plan)
    pilot = parser.add_argument_group("from a finished experiment")
    pilot.add_argument("--pilot", type=Path, metavar="FOLDER", help="results/<experiment>")
    pilot.add_argument("--candidate", metavar="ARM", help="needed with several federated arms")
    assumed = parser.add_argument_group("or from assumed numbers")
    assumed.add_argument("--success", type=float, help="of the reference, as in 0.8")
    assumed.add_argument(
        "--seed-sd", type=float, help="of success between seeds: 5 points are 0.05"
    )
    assumed.add_argument(
        "--pair-correlation",
        type=float,
        help="of two policies' outcomes on the same initial condition",
    )
    assumed.add_argument("--tasks", type=int, help="number of tasks")
    _add_question(parser)


def _add_question(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--margin",
        type=_share,
        action="append",
        dest="margins",
        help="share of the reference's success that may be lost; repeatable, by default 0.2 and 0.1",
    )
    parser.add_argument("--power", type=_share, default=_POWER, help=f"by default {_POWER}")
    parser.add_argument(
        "--true-ratio", type=_positive, default=1.0, help="candidate over reference; by default 1"
    )
    parser.add_argument(
        "--episodes",
        type=_two_or_more,
        action="append",
        metavar="N",
        help="episodes a task and seed; repeatable, by default "
        + ", ".join(str(number) for number in _EPISODES),
    )
    parser.add_argument(
        "--run-hours", type=_positive, help="hours of training of one seed of both arms"
    )
    parser.add_argument("--episode-seconds", type=_positive, help="seconds that one episode takes")
    parser.add_argument("--json", action="store_true", help="print JSON")


def plan(args: Namespace) -> int:
    """Print designs that show non-inferiority within each margin."""
    from fedarm import cli_text
    from fedarm.report.pilot import read_pilot
    from fedarm.stats.variances import assumed_variances

    _check_source(args)
    if args.pilot is not None:
        pilot = read_pilot(args.pilot, candidate=args.candidate)
        content = _content(args, pilot.variances, pilot)
    else:
        assumed = {name: getattr(args, name) for name in _ASSUMED}
        content = _content(args, assumed_variances(**assumed, ratio=args.true_ratio), None)
    if args.json:
        print(json.dumps(content, indent=2, allow_nan=False))
    else:
        cli_text.show_plan(content)
    return 0


def _content(args: Namespace, variances: Variances, pilot: Pilot | None) -> dict[str, Any]:
    """Return what is printed: what the plan rests on, and the designs for each margin."""
    from fedarm.stats.planning import plan_margin

    costs = _Costs(
        run_hours=args.run_hours or (pilot.run_hours if pilot else None),
        episode_seconds=args.episode_seconds,
        tasks=variances.tasks,
    )
    truth = {"true_ratio": args.true_ratio, "power": args.power}
    plans = [
        plan_margin(variances, margin=margin, episodes=args.episodes or _EPISODES, **truth)
        for margin in args.margins or _MARGINS
    ]
    return {
        "schema_version": PLAN_SCHEMA_VERSION,
        **truth,
        "pilot": None if pilot is None else _pilot_entry(pilot, args.power),
        "success": variances.success,
        "seed_sd": {"candidate": variances.seed_sd[0], "reference": variances.seed_sd[1]},
        "pair_correlation": variances.pair_correlation,
        "tasks": variances.tasks,
        "run_hours": costs.run_hours,
        "episode_seconds": costs.episode_seconds,
        "margins": [
            {
                "margin": found.margin,
                "designs": [costs.entry(design) for design in found.designs],
                "out_of_reach": list(found.out_of_reach),
                "pairs_of_one_checkpoint_each": found.pairs,
            }
            for found in plans
        ],
    }


@dataclass(frozen=True)
class _Costs:
    """What a study takes, one job after the other; None for what is not known."""

    run_hours: float | None
    episode_seconds: float | None
    tasks: int

    def entry(self, found: Resolution) -> dict[str, Any]:
        """Return a design, what it shows, and its hours."""
        seeds, episodes = found.design.seeds, found.design.episodes
        training = rollouts = None
        if self.run_hours is not None:
            training = seeds * self.run_hours
        if self.episode_seconds is not None:
            rollouts = _ARMS * seeds * self.tasks * episodes * self.episode_seconds / 3600
        return {
            "seeds": seeds,
            "episodes": episodes,
            "power": found.power,
            "detectable_difference": found.difference,
            "detectable_ratio": found.ratio,
            "training_hours": training,
            "rollout_hours": rollouts,
        }


def _pilot_entry(pilot: Pilot, power: float) -> dict[str, Any]:
    from fedarm.stats.power import detectable_difference, detectable_ratio

    return {
        "candidate": pilot.candidate,
        "reference": pilot.reference,
        **vars(pilot.design),
        "detectable_difference": detectable_difference(pilot.variances, pilot.design, power=power),
        "detectable_ratio": detectable_ratio(pilot.variances, pilot.design, power=power),
        "exclusions": [vars(exclusion) for exclusion in pilot.exclusions],
    }


def _check_source(args: Namespace) -> None:
    """Refuse both a pilot and assumed numbers, neither, or a part of the numbers."""
    given = [name for name in _ASSUMED if getattr(args, name) is not None]
    missing = [name for name in _ASSUMED if name not in given]
    options = ", ".join(_option(name) for name in _ASSUMED)
    if args.pilot is not None and given:
        raise ConfigError(
            "a plan rests on a pilot or on assumed numbers, not on both",
            key=_option(given[0]),
            value=getattr(args, given[0]),
            remedy=f"leave out --pilot, or all of {options}",
        )
    if args.pilot is None and missing:
        raise ConfigError(
            "a plan rests on a pilot, or on assumed numbers of which some are missing",
            key=", ".join(_option(name) for name in missing),
            remedy=f"give --pilot results/<experiment>, or all of {options}",
        )
    if args.pilot is None and args.candidate is not None:
        raise ConfigError(
            "only a pilot has a candidate",
            key="--candidate",
            value=args.candidate,
            remedy="leave it out, or give --pilot",
        )


def _option(name: str) -> str:
    return "--" + name.replace("_", "-")


def _share(text: str) -> float:
    number = float(text)
    if not 0 < number < 1:
        raise argparse.ArgumentTypeError(f"{text}: a share between 0 and 1; write 10 % as 0.1")
    return number


def _positive(text: str) -> float:
    number = float(text)
    if not 0 < number < math.inf:
        raise argparse.ArgumentTypeError(f"{text}: must be above 0")
    return number


def _two_or_more(text: str) -> int:
    number = int(text)
    if number < 2:
        raise argparse.ArgumentTypeError(f"{text}: at least 2 episodes have a variance")
    return number
