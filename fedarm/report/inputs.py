"""What is compared, and where its files lie."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from fedarm.errors import ResultsError, suggest
from fedarm.experiment import Experiment
from fedarm.paths import DatasetPaths, RunPaths
from fedarm.settings import Run
from fedarm.stats.comparison import Level

Kind = Literal["base", "local", "central", "federated"]
Role = Literal["client", "unseen", "pool"]
Metric = Literal["success", "success_unseen"]
EvaluationKind = Literal["closed_loop", "replay", "recorded"]


@dataclass(frozen=True)
class RunFolder:
    """A run: one arm (or one client's local arm) and one seed.

    Attributes:
        arm: The arm's key in the configuration.
        name: The run's folder: the arm, or `local_<client>`.
        kind: How it trains.
        seed: The training seed.
        path: The folder `<experiment>/<name>/seed<k>`.
    """

    arm: str
    name: str
    kind: Kind
    seed: int
    path: Path

    @property
    def label(self) -> str:
        """The run in messages, without where it lies."""
        return f"{self.name}/seed{self.seed}"

    @property
    def files(self) -> RunPaths:
        """The run's files."""
        return RunPaths(self.path, federated=self.kind == "federated")


@dataclass(frozen=True)
class DataFiles:
    """A dataset's files, of which the report reads `checks.json` and `hotfixes.json`.

    Attributes:
        name: The dataset.
        role: What it is used for.
        paths: Its files.
    """

    name: str
    role: Role
    paths: DatasetPaths


@dataclass(frozen=True)
class ComparisonSettings:
    """Everything that the comparison depends on, declared before the data.

    Attributes:
        experiment: The experiment's name.
        runs: The runs, in the order in which they are shown.
        clients: The clients' datasets, on whose tasks the primary metric counts.
        unseen: The datasets that no arm is trained on.
        untried: Clients' datasets on whose tasks a real arm has tried nothing.
        reference: The arm that the others are compared with.
        margins: Shares of the reference's success that may be lost.
        level: Whether the verdict speaks of training anew or of these checkpoints only.
        looks: How often one looked at a federated arm's rollouts, which stopped when all was decided.
        episodes: Initial conditions a task that were planned; only with looks.
        primary_metric: Success on the clients' tasks, or on the unseen sets.
        data: What is known of each dataset.
        gate: The findings across datasets, `gate.json`.
        declaration: What was declared before the data, `declaration.json`.
        evaluation: Where successes come from: rollouts in the simulator, or a real arm; or that there
            are none.
        replayed: The datasets on whose held-out episodes predictions were compared.
        replayed_runs: The runs whose predictions those are.

    Raises:
        ResultsError: The reference is no run, or several; the primary metric has no tasks.
    """

    experiment: str
    runs: tuple[RunFolder, ...]
    clients: tuple[str, ...]
    unseen: tuple[str, ...] = ()
    untried: tuple[str, ...] = ()
    reference: str = "central"
    margins: tuple[float, ...] = (0.2, 0.1)
    level: Level = "seeds"
    looks: int = 1
    episodes: int = 0
    primary_metric: Metric = "success"
    data: tuple[DataFiles, ...] = ()
    gate: Path | None = None
    declaration: Path | None = None
    evaluation: EvaluationKind = "closed_loop"
    replayed: tuple[str, ...] = ()
    replayed_runs: tuple[RunFolder, ...] = ()

    def __post_init__(self) -> None:
        names = {run.name for run in self.runs if run.arm == self.reference}
        if len(names) != 1:
            raise ResultsError(
                "the reference must be one arm with one run a seed",
                key="compare.reference",
                value=self.reference,
                remedy=suggest(self.reference, {run.arm for run in self.runs}),
            )
        if self.primary_metric == "success_unseen" and not self.unseen:
            raise ResultsError(
                "the primary metric needs unseen sets, and there are none",
                key="primary_metric",
                value=self.primary_metric,
                remedy="add unseen sets, or take `success`",
            )

    @property
    def judged(self) -> bool:
        """Whether there are successes, and with them a verdict."""
        return self.evaluation != "replay"

    @property
    def datasets(self) -> tuple[str, ...]:
        """The datasets whose tasks are rolled out: clients, then unseen sets."""
        return (*self.clients, *self.unseen)

    @property
    def names(self) -> tuple[str, ...]:
        """The runs' names, each once, in their order."""
        return tuple(dict.fromkeys(run.name for run in self.runs))

    @property
    def reference_name(self) -> str:
        """The name of the reference's runs."""
        return next(run.name for run in self.runs if run.arm == self.reference)

    @property
    def candidates(self) -> tuple[str, ...]:
        """The names of the federated runs that are compared with the reference."""
        federated = (run.name for run in self.runs if run.kind == "federated")
        return tuple(name for name in dict.fromkeys(federated) if name != self.reference_name)

    @property
    def metrics(self) -> dict[Metric, tuple[str, ...]]:
        """The datasets of each metric, the primary one first."""
        found: dict[Metric, tuple[str, ...]] = {"success": self.clients}
        if self.unseen:
            found["success_unseen"] = self.unseen
        primary = self.primary_metric
        rest = {key: value for key, value in found.items() if key != primary}
        return {primary: found[primary], **rest}

    def runs_of(self, name: str) -> tuple[RunFolder, ...]:
        """Return the runs of a name, one a seed."""
        return tuple(run for run in self.runs if run.name == name)

    def kind_of(self, name: str) -> Kind:
        """Return how the runs of a name train."""
        return self.runs_of(name)[0].kind


def folder_of(experiment: Experiment, run: Run) -> RunFolder:
    """Return where a run of an experiment lies."""
    return RunFolder(run.arm, run.name, run.kind, run.seed, experiment.run_paths(run).root)


def comparison_of(experiment: Experiment) -> ComparisonSettings:
    """Return what is compared, and where its files lie."""
    config = experiment.config
    every = {run: folder_of(experiment, run) for run in experiment.runs}
    # A real arm may have tried some arms, and some tasks, only.
    tried = experiment.judged or experiment.evaluated
    return ComparisonSettings(
        experiment=config.experiment,
        runs=tuple(every[run] for run in experiment.judged_runs or experiment.runs),
        clients=tuple(name for name in config.clients if name in tried),
        untried=tuple(name for name in config.clients if name not in tried),
        unseen=tuple(name for name in config.unseen if name in tried),
        reference=config.compare.reference,
        margins=config.compare.margins,
        level=config.compare.level,
        looks=config.compare.looks,
        episodes=config.rollout.episodes,
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
