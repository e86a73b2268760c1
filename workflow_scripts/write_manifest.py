"""Write the manifest of an experiment: digests of all its files, and what made them."""

import argparse
from pathlib import Path

from fedarm.experiment import load_experiment
from fedarm.logging import run_script
from fedarm.manifest import write_manifest


def main() -> None:
    """Parse the arguments and write the manifest."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--config", type=Path, required=True)
    args = parser.parse_args()
    write_manifest(load_experiment(args.config), repository=Path(__file__).resolve().parents[1])


if __name__ == "__main__":
    run_script(main)
