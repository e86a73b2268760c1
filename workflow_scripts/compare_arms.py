"""Compare the arms: intervals, verdicts, tables, figures and the report."""

import argparse
from pathlib import Path

from fedarm.experiment import Experiment, load_experiment
from fedarm.logging import run_script
from fedarm.report.inputs import ComparisonSettings, DataFiles, RunFolder


def comparison_of(experiment: Experiment) -> ComparisonSettings:
    """Return what is compared, and where its files lie."""
    config = experiment.config
    every = {
        run: RunFolder(run.arm, run.name, run.kind, run.seed, experiment.run_paths(run).root)
        for run in experiment.runs
    }
    # A real arm may have tried some arms, and some tasks, only.
    tried = experiment.judged or experiment.evaluated
    return ComparisonSettings(
        experiment=config.experiment,
        runs=tuple(every[run] for run in experiment.judged_runs or experiment.runs),
        clients=tuple(name for name in config.clients if name in tried),
        unseen=tuple(name for name in config.unseen if name in tried),
        reference=config.compare.reference,
        margins=config.compare.margins,
        level=config.compare.level,
        data=tuple(
            DataFiles(name, role, experiment.dataset_paths(name))
            for role, names in experiment.roles.items()
            for name in names
        ),
        gate=experiment.gate,
        declaration=experiment.declaration,
        evaluation=experiment.evaluation.kind,
        replayed=experiment.replayed,
        replayed_runs=tuple(every.values()) if experiment.replayed else (),
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
