"""Turn labelled episodes of a real arm into the tables and videos of the runs that acted in them."""

import argparse
from pathlib import Path

from fedarm.evaluation_jobs import recorded_settings
from fedarm.experiment import load_experiment
from fedarm.logging import run_script
from fedarm.rollout.recorded import collect_recorded


def main() -> None:
    """Parse the arguments and collect."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--config", type=Path, required=True)
    experiment = load_experiment(parser.parse_args().config)
    collect_recorded(recorded_settings(experiment))


if __name__ == "__main__":
    run_script(main)
