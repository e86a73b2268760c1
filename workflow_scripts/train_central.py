"""Train a central run: the shared training loop on the pooled data of all clients."""

import argparse
from pathlib import Path

from fedarm.experiment import load_experiment
from fedarm.gpus import claimed_gpus
from fedarm.logging import run_script
from fedarm.training_jobs import train_settings


def main() -> None:
    """Parse the arguments and train."""
    from fedarm.training.arms import train_pooled

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--config", type=Path, required=True)
    parser.add_argument("--run", required=True)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--gpus", type=int, help="one if there is any, unless given")
    args = parser.parse_args()
    experiment = load_experiment(args.config)
    with claimed_gpus(args.gpus):
        train_pooled(train_settings(experiment, experiment.run(args.run, args.seed)))


if __name__ == "__main__":
    run_script(main)
