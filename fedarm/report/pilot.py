"""A finished experiment as the pilot of a larger one: what its successes vary by, and what it cost."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

import pandas as pd

from fedarm.config import read_config
from fedarm.errors import ResultsError, suggest
from fedarm.experiment import Experiment
from fedarm.report.episodes import read_episodes
from fedarm.report.inputs import RunFolder, folder_of
from fedarm.report.metrics import read_metrics
from fedarm.report.outcomes import Exclusion, shared_outcomes
from fedarm.stats.crossed_components import crossed_components
from fedarm.stats.power import Design
from fedarm.stats.variances import Variances, observed_variances


@dataclass(frozen=True)
class Pilot:
    """What a pilot says of two of its arms, on the clients' tasks.

    Attributes:
        candidate: The candidate's name.
        reference: The reference's name.
        design: Its seeds (the fewer of the two arms) and episodes a task and seed.
        variances: What its successes vary by.
        run_hours: Hours of training of one seed of both arms; None if its metrics have no seconds.
        exclusions: Rollouts that were not used.
    """

    candidate: str
    reference: str
    design: Design
    variances: Variances
    run_hours: float | None
    exclusions: tuple[Exclusion, ...]


def read_pilot(folder: Path, *, candidate: str | None = None) -> Pilot:
    """Read the successes of a candidate and of the reference from an experiment's results.

    Args:
        folder: The experiment's folder, `results/<experiment>`, wherever it lies now.
        candidate: A federated arm; needs to be given if there are several.

    Raises:
        ConfigError: The folder holds no valid `config.yaml`.
        ResultsError: There is no such candidate, nothing was tried, rollouts are missing or broken,
            there are fewer than two seeds, or all outcomes of an arm are the same.
    """
    config = read_config(folder / "config.yaml")
    # The results may have been moved since they were made.
    moved = {"results_dir": str(folder.parent), "experiment": folder.name}
    experiment = Experiment(config.model_copy(update=moved))
    datasets = tuple(name for name in config.clients if name in experiment.judged)
    if not datasets:
        raise ResultsError(
            "no success was counted in this experiment",
            file=folder,
            key="evaluation",
            value=experiment.evaluation.kind,
            remedy="take a pilot with rollouts, or assume numbers: --success, --seed-sd, ...",
        )
    arms = (_candidate(experiment, folder, candidate), config.compare.reference)
    runs = [folder_of(experiment, run) for run in experiment.judged_runs if run.name in arms]
    tables = [read_episodes(run, name, unseen=False) for run in runs for name in datasets]
    episodes = pd.concat(tables, ignore_index=True)
    outcomes = shared_outcomes(episodes[episodes["final"]], arms, datasets=datasets)
    components = crossed_components(*(outcomes.success[arm] for arm in arms))
    if not components.residual.any():
        raise ResultsError(
            "every seed of an arm did the same on every initial condition: nothing can be projected",
            file=folder,
            remedy="take a pilot with more episodes or other tasks, or assume numbers",
        )
    success = float(outcomes.success[arms[1]].mean())
    if not 0 < success < 1:
        raise ResultsError(
            "the reference succeeds always or never: nothing can be projected from it",
            file=folder,
            key="success",
            value=success,
            remedy="take a pilot with more episodes or other tasks, or assume numbers",
        )
    seeds = min(components.seeds)
    return Pilot(
        candidate=arms[0],
        reference=arms[1],
        design=Design(seeds, components.initial_conditions),
        variances=observed_variances(components),
        run_hours=_run_hours(runs),
        exclusions=outcomes.exclusions,
    )


def _candidate(experiment: Experiment, folder: Path, wanted: str | None) -> str:
    reference = experiment.config.compare.reference
    federated = {run.name for run in experiment.judged_runs if run.kind == "federated"}
    known = sorted(federated - {reference})
    if wanted is None and len(known) == 1:
        return known[0]
    if wanted is None or wanted not in known:
        raise ResultsError(
            "the pilot needs one candidate" if wanted is None else "no such federated arm",
            file=folder,
            key="candidate",
            value=wanted,
            remedy=suggest(wanted or "", known) + "; choose with --candidate",
        )
    return wanted


def _run_hours(runs: list[RunFolder]) -> float | None:
    """Return the mean hours of training of a run, added up over the two arms."""
    by_arm: dict[str, list[float]] = {}
    for run in runs:
        seconds = sum(line.seconds for line in read_metrics(run).rounds)
        by_arm.setdefault(run.name, []).append(seconds)
    total = sum(fmean(values) for values in by_arm.values())
    return total / 3600 if total > 0 else None
