"""Compare the arms: intervals, verdicts, tables, figures and the report."""

import argparse
from pathlib import Path

from fedarm.experiment import Experiment, load_experiment
from fedarm.logging import run_script
from fedarm.report.inputs import ComparisonSettings, DataFiles, RunFolder


def comparison_of(experiment: Experiment) -> ComparisonSettings:
    """Return what is compared, and where its files lie."""
    config = experiment.config
    return ComparisonSettings(
        experiment=config.experiment,
        runs=tuple(
            RunFolder(run.arm, run.name, run.kind, run.seed, experiment.run_paths(run).root)
            for run in experiment.runs
        ),
        clients=config.clients,
        unseen=config.unseen,
        reference=config.compare.reference,
        margins=config.compare.margins,
        level=config.compare.level,
        data=tuple(
            DataFiles(name, role, experiment.dataset_paths(name))
            for role, names in experiment.roles.items()
            for name in names
        ),
        gate=experiment.gate,
    )


def main() -> None:
    """Parse the arguments and compare."""
    from fedarm.report.build import write_comparison

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--config", type=Path, required=True)
    experiment = load_experiment(parser.parse_args().config)
    write_comparison(comparison_of(experiment), experiment.comparison)


if __name__ == "__main__":
    run_script(main)
