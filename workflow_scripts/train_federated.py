"""Train a federated run: the shared training loop in every client, a Flower app around it."""

import argparse
from pathlib import Path

from fedarm.experiment import load_experiment
from fedarm.logging import run_script


def main() -> None:
    """Parse the arguments and train."""
    from fedarm.federated.run import train_federated

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--config", type=Path, required=True)
    parser.add_argument("--run", required=True)
    parser.add_argument("--seed", type=int, required=True)
    args = parser.parse_args()
    experiment = load_experiment(args.config)
    train_federated(experiment.train_settings(experiment.run(args.run, args.seed)))


if __name__ == "__main__":
    run_script(main)
