"""Decode a dataset once into a memory-mapped array, at the image size that the policy sees."""

import argparse
from pathlib import Path

from fedarm.data.frame_cache import build_frame_cache
from fedarm.experiment import load_experiment
from fedarm.logging import run_script


def main() -> None:
    """Parse the arguments and decode."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--config", type=Path, required=True)
    parser.add_argument("--dataset", required=True)
    args = parser.parse_args()
    experiment = load_experiment(args.config)
    build_frame_cache(
        experiment.dataset_paths(args.dataset).dataset,
        experiment.frame_cache(args.dataset),
        image_size=experiment.config.policy.image_size,
    )


if __name__ == "__main__":
    run_script(main)
