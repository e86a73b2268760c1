"""Check a dataset; one that a check of severity `error` finds fault with ends the job."""

import argparse
from pathlib import Path

from fedarm.data.checks import run_checks
from fedarm.experiment import load_experiment
from fedarm.logging import run_script
from fedarm.paths import write_json


def main() -> None:
    """Parse the arguments, check, and write what was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--config", type=Path, required=True)
    parser.add_argument("--dataset", required=True)
    args = parser.parse_args()
    paths = load_experiment(args.config).dataset_paths(args.dataset)
    report = run_checks(paths.dataset, name=args.dataset)
    report.require_passed()
    write_json(paths.checks, report.to_json())


if __name__ == "__main__":
    run_script(main)
