"""Train a federated run: the shared training loop in every client, a Flower app around it."""

import argparse
from pathlib import Path

from fedarm.experiment import load_experiment
from fedarm.gpus import claimed_gpus
from fedarm.logging import run_script
from fedarm.training_jobs import runtime_of, train_settings


def main() -> None:
    """Parse the arguments and train."""
    from fedarm.federated.run import train_federated

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--config", type=Path, required=True)
    parser.add_argument("--run", required=True)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--workers", type=int, help="at most so many clients work at the same time")
    parser.add_argument("--gpus", type=int, help="one if there is any, unless given")
    args = parser.parse_args()
    experiment = load_experiment(args.config)
    settings = train_settings(experiment, experiment.run(args.run, args.seed))
    with claimed_gpus(args.gpus):
        train_federated(settings, runtime_of(experiment, args.workers))


if __name__ == "__main__":
    run_script(main)
