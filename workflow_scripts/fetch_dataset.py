"""Fetch a dataset from the hub or from a folder, bring it to today's format, and repair a copy of it."""

import argparse
from pathlib import Path

from fedarm.data.getting.version import fetch_version
from fedarm.experiment import load_experiment
from fedarm.logging import run_script


def main() -> None:
    """Parse the arguments and fetch."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--config", type=Path, required=True)
    parser.add_argument("--dataset", required=True)
    args = parser.parse_args()
    experiment = load_experiment(args.config)
    fetch_version(
        experiment.dataset(args.dataset),
        experiment.dataset_paths(args.dataset),
        recipe=experiment.recipe(args.dataset),
        trained=args.dataset not in experiment.config.unseen,
    )


if __name__ == "__main__":
    run_script(main)
