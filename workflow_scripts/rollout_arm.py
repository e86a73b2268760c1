"""Roll out all runs of an arm on every client task and unseen variant, and film some episodes."""

import argparse
from pathlib import Path

from fedarm.evaluation_jobs import rollout_settings
from fedarm.experiment import load_experiment
from fedarm.gpus import claimed_gpus
from fedarm.logging import run_script


def main() -> None:
    """Parse the arguments and roll out all training seeds of the arm."""
    from fedarm.rollout.run import rollout_runs

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--config", type=Path, required=True)
    parser.add_argument("--run", required=True)
    parser.add_argument("--workers", type=int, default=1, help="processes")
    parser.add_argument("--gpus", type=int, help="one if there is any, unless given")
    args = parser.parse_args()
    experiment = load_experiment(args.config)
    runs = [rollout_settings(experiment, run) for run in experiment.runs_named(args.run)]
    with claimed_gpus(args.gpus):
        rollout_runs(runs, workers=args.workers)


if __name__ == "__main__":
    run_script(main)
