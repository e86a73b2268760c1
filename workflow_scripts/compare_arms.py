"""Compare the arms: intervals, verdicts, tables, figures and the report."""

import argparse
from pathlib import Path

from fedarm.experiment import load_experiment
from fedarm.logging import run_script


def main() -> None:
    """Parse the arguments and compare."""
    from fedarm.report.build import write_comparison
    from fedarm.report.inputs import comparison_of

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--config", type=Path, required=True)
    experiment = load_experiment(parser.parse_args().config)
    write_comparison(comparison_of(experiment), experiment.comparison)


if __name__ == "__main__":
    run_script(main)
