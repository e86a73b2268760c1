"""What an experiment consists of: its datasets, runs and files, and the settings of each stage.

Derived from the configuration alone and known before anything runs. The Snakefile asks it which files
there are; each stage's script asks it for the settings of its job. A rule carries the digest of its
settings as a parameter, so it reruns when its own part of the configuration changes and only then.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import yaml

from fedarm.config import Config, PretrainedBase
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
from fedarm.errors import ConfigError, suggest
from fedarm.evaluation_settings import (
    RecordedSettings,
    Recording,
    Reel,
    ReplayDataset,
    ReplaySettings,
    RolloutRound,
    RolloutSettings,
    Scene,
    Tile,
)
from fedarm.local_datasets import digest_recording, pin_local_datasets
from fedarm.paths import DatasetPaths, RunPaths, write_atomic
from fedarm.provenance import VERSION_DIGITS, derive_seed, digest_file, digest_value
from fedarm.settings import DataSource, Faults, Run, Runtime, TrainSettings

BASE_ROUND = 0
BASE_SEED = 0

_TILES_A_ROW = 4


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

    def runtime(self, workers: int | None = None) -> Runtime:
        """Return where federated runs do their work.

        Args:
            workers: At most so many clients at the same time, if there are fewer cores than configured.
        """
        section = self.config.federation
        return Runtime(
            kind=section.runtime,
            workers=min(section.workers, workers or section.workers),
            client_cpus=section.client_resources.num_cpus,
            client_gpus=section.client_resources.num_gpus,
            connection=section.connection,
        )

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

    def train_settings(self, run: Run) -> TrainSettings:
        """Return the settings of a run's training job."""
        paths = self.run_paths(run)
        base = self.config.base
        training = self.config.training
        if run.kind == "base" and isinstance(base, PretrainedBase):
            # There is no held-out loss of the pool for the base to react to.
            schedule = training.schedule.model_copy(update={"plateau": None})
            training = training.model_copy(
                update={
                    "samples": base.samples,
                    "batch_size": base.batch_size,
                    "lr": base.lr,
                    "schedule": schedule,
                    "early_stop": None,
                }
            )
        return TrainSettings(
            run=run,
            arm=None if run.kind == "base" else self.config.arms[run.arm],
            base=base,
            policy=self.config.policy,
            training=training,
            rounds=self.config.federation.rounds,
            experiment_seed=self.config.seed,
            sources=tuple(self._source(name) for name in run.clients),
            evaluated=tuple(self._source(name) for name in self._evaluated_in_training(run)),
            clients=self.config.clients,
            shaped_by=tuple(self._source(name) for name in self.shaping)
            if run.kind == "base"
            else (),
            start=None
            if run.kind == "base"
            else self.run_paths(self.base_run).pretrained_model(BASE_ROUND),
            checkpoints=paths.checkpoints,
            metrics=paths.metrics,
            faults=self._faults if run.kind == "federated" else Faults(),
            exchange_dtype=self.config.federation.exchange_dtype
            if run.kind == "federated"
            else "float32",
        )

    @property
    def _faults(self) -> Faults:
        section = self.config.federation
        return Faults(section.missing_reply, section.min_clients, section.timeout_s)

    def rollout_settings(self, run: Run) -> RolloutSettings:
        """Return the settings of a run's rollout job."""
        return RolloutSettings(
            run=run,
            scenes=tuple(self._scene(name) for name in self.rolled_out),
            rounds=self._rollout_rounds(run),
            videos=self.config.rollout.videos,
            video_size=self.config.rollout.video_size,
            experiment_seed=self.config.seed,
            paths=self.run_paths(run),
            as_dataset=self.config.rollout.as_dataset,
        )

    @cached_property
    def reels(self) -> tuple[Reel, ...]:
        """The videos of several filmed episodes: the arms side by side, and their rounds.

        Of every run's name the first seed is shown.
        """
        if not self.config.rollout.videos:
            return ()
        first = {run.name: run for run in reversed(self.runs)}
        shown = [first[name] for name in dict.fromkeys(run.name for run in self.runs)]
        reels = []
        for dataset in self.rolled_out:
            # A local arm is shown at its own client's task.
            arms = [run for run in shown if run.kind != "local" or run.clients == (dataset,)]
            last = [self._tile(run, self.last_round(run)) for run in arms]
            reels.append(Reel(f"arms_{dataset}", dataset, _in_rows(last)))
            if progress := self._progress(arms):
                reels.append(Reel(f"progress_{dataset}", dataset, progress))
        return tuple(reels)

    def _progress(self, arms: Sequence[Run]) -> tuple[tuple[Tile, ...], ...]:
        """Return a row of rounds for each arm that was watched in training, the base's first."""
        start = tuple(self._tile(run, BASE_ROUND) for run in arms if run.kind == "base")
        rows = (
            (*start, *(self._tile(run, number.round) for number in self._rollout_rounds(run)))
            for run in arms
            if run.kind in {"central", "federated"}
        )
        return tuple(row for row in rows if len(row) > 1)

    def _tile(self, run: Run, number: int) -> Tile:
        return Tile(run, number, self.run_paths(run))

    def replay_settings(self, run: Run) -> ReplaySettings:
        """Return the settings of a run's replay job.

        Raises:
            ConfigError: The experiment's arms are not replayed.
        """
        section = self.evaluation
        if isinstance(section, ClosedLoopEvaluation):
            raise ConfigError(
                "the arms of this experiment are rolled out, not replayed",
                file=self.resolved_config,
                key="evaluation.kind",
                value=section.kind,
                remedy="set `evaluation: {kind: replay}`",
            )
        return ReplaySettings(
            run=run,
            datasets=tuple(self._replay_dataset(name) for name in self.replayed),
            round=self.last_round(run),
            policy=self.config.policy,
            videos=section.videos,
            video_size=section.video_size,
            paths=self.run_paths(run),
        )

    def recorded_settings(self) -> RecordedSettings:
        """Return the settings of the job that collects labelled episodes.

        Raises:
            ConfigError: The experiment is not evaluated on a real arm.
        """
        section = self.evaluation
        if not isinstance(section, RecordedEvaluation):
            raise ConfigError(
                "this experiment has no labelled episodes",
                file=self.resolved_config,
                key="evaluation.kind",
                value=section.kind,
                remedy="set `evaluation: {kind: recorded, labels: ..., recordings: ...}`",
            )
        return RecordedSettings(
            runs=tuple(
                (run, self.last_round(run), self.run_paths(run)) for run in self.judged_runs
            ),
            labels=Path(section.labels),
            recordings=tuple(
                Recording(name, Path(section.recordings[name]), name in self.config.unseen)
                for name in self.judged
            ),
            videos=section.videos,
            video_size=section.video_size,
        )

    def recorded_digest(self) -> str:
        """Return the digest of the labelled episodes' settings and content.

        Raises:
            ConfigError: The labels or a recording are not there.
        """
        settings = self.recorded_settings()
        if not settings.labels.is_file():
            raise ConfigError(
                "the labels of the recorded episodes are not there",
                file=settings.labels,
                key="evaluation.labels",
                remedy="draw up a sheet with `fedarm evaluation sheet`, record the episodes, and make"
                " the labels with `fedarm evaluation join` (docs/evaluation.md)",
            )
        recordings = {each.dataset: digest_recording(each) for each in settings.recordings}
        return settings.digest([digest_file(settings.labels), recordings])

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

    def _evaluated_in_training(self, run: Run) -> tuple[str, ...]:
        """Return the datasets whose held-out loss a run reports.

        A client's data make only those runs stale that had them: not the base, which is made before any
        client is known, and not the local arms of other clients, who cannot see them.
        """
        if run.kind == "base":
            return ()
        if run.kind == "local":
            return (*run.clients, *self.config.unseen)
        return self.evaluated

    def _rollout_rounds(self, run: Run) -> tuple[RolloutRound, ...]:
        section = self.config.rollout
        last = RolloutRound(self.last_round(run), section.episodes, final=True)
        # Progress is watched where it is compared: central against federated.
        if run.kind not in {"central", "federated"}:
            return (last,)
        progress = section.progress
        early = (RolloutRound(r, progress.episodes, final=False) for r in sorted(progress.rounds))
        return (*early, last)

    def _source(self, name: str) -> DataSource:
        return DataSource(
            name=name,
            cache=self.frame_cache(name),
            version=self.version(name),
            held_out=self.dataset(name).held_out,
            split_seed=derive_seed(self.config.seed, "split", name),
        )

    def _replay_dataset(self, name: str) -> ReplayDataset:
        return ReplayDataset(
            source=self._source(name),
            recording=self.dataset_paths(name).dataset,
            unseen=name in self.config.unseen,
            scene=self._scene(name) if self.is_simulated(name) else None,
        )

    def _scene(self, name: str) -> Scene:
        section = self.dataset(name)
        assert isinstance(section, SimDataset)
        return Scene(
            dataset=name,
            task=section.tasks[0],
            variant=section.variants[0],
            unseen=name in self.config.unseen,
            camera_size=section.image_size,
        )


def _in_rows(tiles: Sequence[Tile]) -> tuple[tuple[Tile, ...], ...]:
    """Return tiles in as few rows as possible, none much longer than another."""
    rows = -(-len(tiles) // _TILES_A_ROW)
    each = -(-len(tiles) // rows)
    return tuple(tuple(tiles[first : first + each]) for first in range(0, len(tiles), each))


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

    Raises:
        ResultsError: The results folder cannot be written.
    """
    values = experiment.config.model_dump(mode="json")
    write_atomic(experiment.resolved_config, yaml.safe_dump(values, sort_keys=False))
