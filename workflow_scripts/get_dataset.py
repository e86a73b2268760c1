"""Get a simulated dataset: record the scripted expert."""

import argparse
from pathlib import Path

from fedarm.experiment import load_experiment
from fedarm.logging import run_script
from fedarm.sim.recording import record_version


def main() -> None:
    """Parse the arguments and record."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--config", type=Path, required=True)
    parser.add_argument("--dataset", required=True)
    parser.add_argument("--workers", type=int, default=1)
    args = parser.parse_args()
    experiment = load_experiment(args.config)
    record_version(
        experiment.dataset_paths(args.dataset),
        experiment.recipe(args.dataset),
        workers=args.workers,
    )


if __name__ == "__main__":
    run_script(main)
