"""Replay all runs of an arm on the held-out episodes of every dataset, and film some of them."""

import argparse
from pathlib import Path

from fedarm.evaluation_jobs import replay_settings
from fedarm.experiment import load_experiment
from fedarm.gpus import claimed_gpus
from fedarm.logging import run_script


def main() -> None:
    """Parse the arguments and replay, one seed after another."""
    from fedarm.rollout.replay import replay_run

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--config", type=Path, required=True)
    parser.add_argument("--run", required=True)
    parser.add_argument("--gpus", type=int, help="one if there is any, unless given")
    args = parser.parse_args()
    experiment = load_experiment(args.config)
    with claimed_gpus(args.gpus):
        for run in experiment.runs_named(args.run):
            replay_run(replay_settings(experiment, run))


if __name__ == "__main__":
    run_script(main)
