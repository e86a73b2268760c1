"""Make the starting policy of every arm: pretrained on the public pool, a checkpoint, or random."""

import argparse
from pathlib import Path

from fedarm.experiment import load_experiment
from fedarm.gpus import claimed_gpus
from fedarm.logging import run_script
from fedarm.training_jobs import train_settings


def main() -> None:
    """Parse the arguments and train."""
    from fedarm.training.arms import train_base

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--config", type=Path, required=True)
    parser.add_argument("--gpus", type=int, help="one if there is any, unless given")
    args = parser.parse_args()
    experiment = load_experiment(args.config)
    with claimed_gpus(args.gpus):
        train_base(train_settings(experiment, experiment.base_run))


if __name__ == "__main__":
    run_script(main)
