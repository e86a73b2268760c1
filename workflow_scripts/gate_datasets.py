"""Compare all datasets before training; a disagreement of severity `error` ends the job."""

import argparse
from pathlib import Path

from fedarm.data.gate import run_gate
from fedarm.data.summary import summarize_dataset
from fedarm.experiment import load_experiment
from fedarm.logging import run_script
from fedarm.paths import write_json


def main() -> None:
    """Parse the arguments, summarize each dataset, compare, and write what was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--config", type=Path, required=True)
    experiment = load_experiment(parser.parse_args().config)
    groups = {
        role: [
            summarize_dataset(experiment.dataset_paths(name).dataset, name=name) for name in names
        ]
        for role, names in experiment.roles.items()
    }
    report = run_gate(groups["client"], unseen=groups["unseen"], pool=groups["pool"])
    report.require_passed()
    write_json(experiment.gate, report.to_json())


if __name__ == "__main__":
    run_script(main)
