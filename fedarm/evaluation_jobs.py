"""The settings of an experiment's evaluation jobs: rollouts, replays, recorded episodes, and reels."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from fedarm.config_datasets import SimDataset
from fedarm.config_evaluation import ClosedLoopEvaluation, RecordedEvaluation
from fedarm.errors import ConfigError
from fedarm.evaluation_settings import (
    LookPlan,
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
from fedarm.experiment import BASE_ROUND, Experiment
from fedarm.local_datasets import digest_recording
from fedarm.provenance import digest_file
from fedarm.settings import Run

_TILES_A_ROW = 4


def rollout_settings(experiment: Experiment, run: Run) -> RolloutSettings:
    """Return the settings of a run's rollout job."""
    return RolloutSettings(
        run=run,
        scenes=tuple(_scene(experiment, name) for name in experiment.rolled_out),
        rounds=_rollout_rounds(experiment, run),
        videos=experiment.config.rollout.videos,
        video_size=experiment.config.rollout.video_size,
        experiment_seed=experiment.config.seed,
        paths=experiment.run_paths(run),
        as_dataset=experiment.config.rollout.as_dataset,
        plan=_look_plan(experiment, run),
    )


def reels(experiment: Experiment) -> tuple[Reel, ...]:
    """Return the videos of several filmed episodes: the arms side by side, and their rounds.

    Of every run's name the first seed is shown.
    """
    if not experiment.config.rollout.videos:
        return ()
    first = {run.name: run for run in reversed(experiment.runs)}
    shown = [first[name] for name in dict.fromkeys(run.name for run in experiment.runs)]
    found = []
    for dataset in experiment.rolled_out:
        # A local arm is shown at its own client's task.
        arms = [run for run in shown if run.kind != "local" or run.clients == (dataset,)]
        last = [_tile(experiment, run, experiment.last_round(run)) for run in arms]
        found.append(Reel(f"arms_{dataset}", dataset, _in_rows(last)))
        if progress := _progress(experiment, arms):
            found.append(Reel(f"progress_{dataset}", dataset, progress))
    return tuple(found)


def replay_settings(experiment: Experiment, run: Run) -> ReplaySettings:
    """Return the settings of a run's replay job.

    Raises:
        ConfigError: The experiment's arms are not replayed.
    """
    section = experiment.evaluation
    if isinstance(section, ClosedLoopEvaluation):
        raise ConfigError(
            "the arms of this experiment are rolled out, not replayed",
            file=experiment.resolved_config,
            key="evaluation.kind",
            value=section.kind,
            remedy="set `evaluation: {kind: replay}`",
        )
    return ReplaySettings(
        run=run,
        datasets=tuple(_replay_dataset(experiment, name) for name in experiment.replayed),
        round=experiment.last_round(run),
        policy=experiment.config.policy,
        videos=section.videos,
        video_size=section.video_size,
        paths=experiment.run_paths(run),
    )


def recorded_settings(experiment: Experiment) -> RecordedSettings:
    """Return the settings of the job that collects labelled episodes.

    Raises:
        ConfigError: The experiment is not evaluated on a real arm.
    """
    section = experiment.evaluation
    if not isinstance(section, RecordedEvaluation):
        raise ConfigError(
            "this experiment has no labelled episodes",
            file=experiment.resolved_config,
            key="evaluation.kind",
            value=section.kind,
            remedy="set `evaluation: {kind: recorded, labels: ..., recordings: ...}`",
        )
    return RecordedSettings(
        runs=tuple(
            (run, experiment.last_round(run), experiment.run_paths(run))
            for run in experiment.judged_runs
        ),
        labels=Path(section.labels),
        recordings=tuple(
            Recording(name, Path(section.recordings[name]), name in experiment.config.unseen)
            for name in experiment.judged
        ),
        videos=section.videos,
        video_size=section.video_size,
    )


def recorded_digest(experiment: Experiment) -> str:
    """Return the digest of the labelled episodes' settings and content.

    Raises:
        ConfigError: The labels or a recording are not there.
    """
    settings = recorded_settings(experiment)
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


def _progress(experiment: Experiment, arms: Sequence[Run]) -> tuple[tuple[Tile, ...], ...]:
    """Return a row of rounds for each arm that was watched in training, the base's first."""
    start = tuple(_tile(experiment, run, BASE_ROUND) for run in arms if run.kind == "base")
    rows = (
        (
            *start,
            *(_tile(experiment, run, number.round) for number in _rollout_rounds(experiment, run)),
        )
        for run in arms
        if run.kind in {"central", "federated"}
    )
    return tuple(row for row in rows if len(row) > 1)


def _tile(experiment: Experiment, run: Run, number: int) -> Tile:
    return Tile(run, number, experiment.run_paths(run))


def _rollout_rounds(experiment: Experiment, run: Run) -> tuple[RolloutRound, ...]:
    section = experiment.config.rollout
    last = RolloutRound(experiment.last_round(run), section.episodes, final=True)
    # Progress is watched where it is compared: central against federated.
    if run.kind not in {"central", "federated"}:
        return (last,)
    progress = section.progress
    early = (RolloutRound(r, progress.episodes, final=False) for r in sorted(progress.rounds))
    return (*early, last)


def _look_plan(experiment: Experiment, run: Run) -> LookPlan | None:
    """Return the plan of an arm that is compared with the reference, if one looks at all."""
    section = experiment.config.compare
    if section.looks == 1 or run.kind != "federated" or run.arm == section.reference:
        return None
    return LookPlan(
        looks=section.looks,
        margins=section.margins,
        datasets=experiment.config.clients,
        reference=tuple(
            experiment.run_paths(each) for each in experiment.runs if each.arm == section.reference
        ),
    )


def _replay_dataset(experiment: Experiment, name: str) -> ReplayDataset:
    return ReplayDataset(
        source=experiment.source(name),
        recording=experiment.dataset_paths(name).dataset,
        unseen=name in experiment.config.unseen,
        scene=_scene(experiment, name) if experiment.is_simulated(name) else None,
    )


def _scene(experiment: Experiment, name: str) -> Scene:
    section = experiment.dataset(name)
    assert isinstance(section, SimDataset)
    return Scene(
        dataset=name,
        task=section.tasks[0],
        variant=section.variants[0],
        unseen=name in experiment.config.unseen,
        camera_size=section.image_size,
    )


def _in_rows(tiles: Sequence[Tile]) -> tuple[tuple[Tile, ...], ...]:
    """Return tiles in as few rows as possible, none much longer than another."""
    rows = -(-len(tiles) // _TILES_A_ROW)
    each = -(-len(tiles) // rows)
    return tuple(tuple(tiles[first : first + each]) for first in range(0, len(tiles), each))
