"""What an experiment consists of: its datasets, runs and files.

Derived from the configuration alone and known before anything runs. The Snakefile asks it which files
there are; `training_jobs` and `evaluation_jobs` derive the settings of a stage's jobs. A rule carries
the digest of its settings as a parameter, so it reruns when its own part of the configuration changes
and only then.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import yaml

from fedarm.config import Config
from fedarm.config import parse_config as _parse_schema
from fedarm.config import read_config as _read_schema
from fedarm.config_datasets import Dataset, SimDataset
from fedarm.config_evaluation import (
    ClosedLoopEvaluation,
    Evaluation,
    RecordedEvaluation,
    ReplayEvaluation,
)
from fedarm.config_rules import check_rules
from fedarm.config_training import PretrainedBase
from fedarm.errors import ConfigError, suggest
from fedarm.local_datasets import pin_local_datasets
from fedarm.paths import DatasetPaths, RunPaths, write_atomic
from fedarm.provenance import VERSION_DIGITS, derive_seed, digest_value
from fedarm.settings import DataSource, Run

BASE_ROUND = 0
BASE_SEED = 0


@dataclass(frozen=True)
class Experiment:
    """An experiment's datasets, runs and files, derived from its configuration."""

    config: Config

    @property
    def root(self) -> Path:
        """The experiment's folder."""
        return Path(self.config.results_dir) / self.config.experiment

    @property
    def resolved_config(self) -> Path:
        """The configuration with every default filled in."""
        return self.root / "config.yaml"

    @property
    def declaration(self) -> Path:
        """What the verdict was declared to speak of, before there was any."""
        return self.root / "declaration.json"

    @property
    def gate(self) -> Path:
        """What was found across the datasets before training."""
        return self.root / "gate.json"

    @property
    def comparison(self) -> Path:
        """The folder of tables, figures and the report."""
        return self.root / "comparison"

    @property
    def manifest(self) -> Path:
        """The digests of everything in the experiment's folder, and what made it."""
        return self.root / "manifest.json"

    @property
    def pool(self) -> tuple[str, ...]:
        """The datasets of the base's pretraining."""
        base = self.config.base
        return base.datasets if isinstance(base, PretrainedBase) else ()

    @property
    def shaping(self) -> tuple[str, ...]:
        """The clients' datasets whose cameras and joints the base has when it is not pretrained.

        Those of the lab are known without a look at any data.
        """
        if isinstance(self.config.base, PretrainedBase):
            return ()
        return tuple(name for name in self.config.clients if not self.is_simulated(name))

    @property
    def evaluated(self) -> tuple[str, ...]:
        """The datasets that arms are evaluated on: clients, then unseen sets."""
        return (*self.config.clients, *self.config.unseen)

    @property
    def evaluation(self) -> Evaluation:
        """How the arms are evaluated: what the configuration says, or what its datasets allow."""
        if self.config.evaluation is not None:
            return self.config.evaluation
        if all(self.is_simulated(name) for name in self.evaluated):
            return ClosedLoopEvaluation(kind="closed_loop")
        return ReplayEvaluation(kind="replay")

    @property
    def rolled_out(self) -> tuple[str, ...]:
        """The datasets in whose scenes the arms are rolled out."""
        return self.evaluated if self.evaluation.kind == "closed_loop" else ()

    @property
    def replayed(self) -> tuple[str, ...]:
        """The datasets on whose held-out episodes the arms' predictions are compared."""
        return () if self.evaluation.kind == "closed_loop" else self.evaluated

    @property
    def judged(self) -> tuple[str, ...]:
        """The datasets on whose tasks successes are counted: in the simulator, or on a real arm."""
        if isinstance(self.evaluation, RecordedEvaluation):
            recordings = self.evaluation.recordings
            return tuple(name for name in self.evaluated if name in recordings)
        return self.rolled_out

    @property
    def judged_runs(self) -> tuple[Run, ...]:
        """The runs whose successes are counted."""
        if isinstance(self.evaluation, RecordedEvaluation):
            return self.real_arm_runs()
        return self.runs if self.judged else ()

    def real_arm_runs(self, wanted: tuple[str, ...] = ()) -> tuple[Run, ...]:
        """Return the runs that are tried on a real arm.

        Args:
            wanted: Their arms; by default those of the configuration, or the reference and all
                federated ones.

        Raises:
            ConfigError: There is no such arm.
        """
        section = self.evaluation
        named = section.arms if isinstance(section, RecordedEvaluation) else None
        federated = (name for name, arm in self.config.arms.items() if arm.kind == "federated")
        arms = wanted or named or (self.config.compare.reference, *federated)
        for arm in arms:
            if arm not in self.config.arms:
                raise ConfigError("no such arm", value=arm, remedy=suggest(arm, self.config.arms))
        return tuple(run for run in self.runs if run.arm in arms)

    @property
    def datasets(self) -> tuple[str, ...]:
        """All datasets that the experiment needs; others in the configuration are not built."""
        return (*self.evaluated, *self.pool)

    @property
    def roles(self) -> Mapping[Literal["client", "unseen", "pool"], tuple[str, ...]]:
        """The datasets by what they are used for."""
        return {"client": self.config.clients, "unseen": self.config.unseen, "pool": self.pool}

    def dataset(self, name: str) -> Dataset:
        """Return a dataset's section.

        Raises:
            ConfigError: There is no such dataset.
        """
        if name not in self.config.datasets:
            raise ConfigError(
                "no such dataset", value=name, remedy=suggest(name, self.config.datasets)
            )
        return self.config.datasets[name]

    def is_simulated(self, name: str) -> bool:
        """Return whether a dataset comes from the simulator, and not from the hub or a folder."""
        return isinstance(self.dataset(name), SimDataset)

    def dataset_seed(self, name: str) -> int:
        """Return the seed of a dataset's demonstrations."""
        return derive_seed(self.config.seed, "demonstrations", name)

    def recipe(self, name: str) -> dict[str, Any]:
        """Return what makes a dataset: its source's settings without the split."""
        section = self.dataset(name)
        if isinstance(section, SimDataset):
            return {**section.recipe(), "seed": self.dataset_seed(name)}
        return section.recipe()

    def version(self, name: str) -> str:
        """Return the first digits of the digest of a dataset's recipe."""
        return digest_value(self.recipe(name))[:VERSION_DIGITS]

    def dataset_paths(self, name: str) -> DatasetPaths:
        """Return the files of a dataset's version."""
        # The workflow asks for them hundreds of times.
        if name not in self._dataset_paths:
            root = Path(self.config.results_dir) / "datasets" / name / self.version(name)
            self._dataset_paths[name] = DatasetPaths(root)
        return self._dataset_paths[name]

    @cached_property
    def _dataset_paths(self) -> dict[str, DatasetPaths]:
        return {}

    def frame_cache(self, name: str) -> Path:
        """Return the folder of a dataset's frames at the size that the policy sees."""
        return self.dataset_paths(name).frame_cache(self.config.policy.image_size)

    @cached_property
    def runs(self) -> tuple[Run, ...]:
        """Every run whose results are compared, in the order of the configuration."""
        runs: list[Run] = []
        for arm, section in self.config.arms.items():
            if section.kind == "base":
                runs.append(self.base_run)
                continue
            for seed in self.config.seeds:
                if section.kind == "local":
                    runs.extend(
                        Run(arm, f"local_{client}", "local", seed, (client,))
                        for client in self.config.clients
                    )
                else:
                    runs.append(Run(arm, arm, section.kind, seed, self.config.clients))
        return tuple(runs)

    @property
    def base_run(self) -> Run:
        """The starting policy: one for all seeds, and made even when it is not an arm."""
        return Run("base", "base", "base", BASE_SEED, self.pool)

    def run(self, name: str, seed: int) -> Run:
        """Return a run by its folder.

        Raises:
            ConfigError: There is no such run.
        """
        for run in (self.base_run, *self.runs):
            if (run.name, run.seed) == (name, seed):
                return run
        known = [f"{run.name}/seed{run.seed}" for run in self.runs]
        raise ConfigError(
            "no such run",
            value=f"{name}/seed{seed}",
            remedy=suggest(f"{name}/seed{seed}", known),
        )

    def runs_named(self, name: str) -> tuple[Run, ...]:
        """Return the runs of one folder, one a seed.

        Raises:
            ConfigError: There is no such run.
        """
        found = tuple(run for run in self.runs if run.name == name)
        if not found:
            known = dict.fromkeys(run.name for run in self.runs)
            raise ConfigError("no such run", value=name, remedy=suggest(name, known))
        return found

    def run_paths(self, run: Run) -> RunPaths:
        """Return the files of a run."""
        return RunPaths(
            root=self.root / run.name / f"seed{run.seed}", federated=run.kind == "federated"
        )

    def last_round(self, run: Run) -> int:
        """Return the round of a run's final checkpoint."""
        return BASE_ROUND if run.kind == "base" else self.config.federation.rounds

    def gate_settings(self) -> Mapping[str, Any]:
        """Return which versions of which datasets must fit together, by what they are used for."""
        return {
            role: {name: self.version(name) for name in names} for role, names in self.roles.items()
        }

    def comparison_settings(self) -> Mapping[str, Any]:
        """Return the part of the configuration that only the comparison reads."""
        return {
            "compare": self.config.compare.model_dump(mode="json"),
            "clients": self.config.clients,
            "unseen": self.config.unseen,
            "runs": [vars(run) for run in self.runs],
            "experiment": self.config.experiment,
            # An experiment in the simulator has the digest that it had when there was nothing else.
            **(
                {}
                if self.rolled_out
                else {"judged": self.judged, "judged_runs": [vars(r) for r in self.judged_runs]}
            ),
        }

    def source(self, name: str) -> DataSource:
        """Return where training finds a dataset, and how it is split."""
        return DataSource(
            name=name,
            cache=self.frame_cache(name),
            version=self.version(name),
            held_out=self.dataset(name).held_out,
            split_seed=derive_seed(self.config.seed, "split", name),
        )


def load_experiment(path: Path) -> Experiment:
    """Read a configuration file and check it whole.

    Raises:
        ConfigError: It is missing, not YAML, or breaks the schema or a rule.
    """
    config = pin_local_datasets(_read_schema(path), str(path))
    check_rules(config, str(path))
    return Experiment(config)


def parse_experiment(raw: Any, *, source: str) -> Experiment:
    """Check a configuration given as plain Python values, as Snakemake has merged it.

    Raises:
        ConfigError: It breaks the schema or a rule.
    """
    config = pin_local_datasets(_parse_schema(raw, source=source), source)
    check_rules(config, source)
    return Experiment(config)


def write_resolved_config(experiment: Experiment) -> None:
    """Write the configuration with every default filled in, for the jobs and for the reader.

    Who watches is left out: results have the same bytes with and without.

    Raises:
        ResultsError: The results folder cannot be written.
    """
    values = experiment.config.model_dump(mode="json", exclude={"tracking"})
    write_atomic(experiment.resolved_config, yaml.safe_dump(values, sort_keys=False))
