"""All results of an experiment, read and checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from fedarm.declaration import Declared, read_declarations
from fedarm.errors import ResultsError
from fedarm.report.data import DataAccounts, read_data
from fedarm.report.episodes import no_episodes, read_episodes
from fedarm.report.inputs import ComparisonSettings, RunFolder
from fedarm.report.metrics import RunMetrics, read_metrics
from fedarm.report.replay import Replay, read_replays
from fedarm.report.videos import Clip, VideoAnalysis, find_clips, read_analysis


@dataclass(frozen=True)
class ExperimentResults:
    """What all runs have left.

    Attributes:
        settings: What is compared.
        metrics: Budgets and losses, by run.
        episodes: All rollouts, a row an episode.
        videos: Video measurements, by run.
        clips: Videos of the final checkpoints.
        data: Checks, repairs and the gate.
        replays: Predictions on held-out episodes, by run and dataset.
        declared: What was declared, each time that it was another.
    """

    settings: ComparisonSettings
    metrics: Mapping[RunFolder, RunMetrics]
    episodes: pd.DataFrame
    videos: Mapping[RunFolder, VideoAnalysis]
    clips: tuple[Clip, ...]
    data: DataAccounts
    replays: tuple[Replay, ...] = ()
    declared: tuple[Declared, ...] = ()

    @property
    def final(self) -> pd.DataFrame:
        """The rollouts of the final checkpoints."""
        return self.episodes[self.episodes["final"]]


def read_results(settings: ComparisonSettings) -> ExperimentResults:
    """Read the results of all runs.

    Raises:
        ResultsError: A file is missing or broken, or runs contradict each other.
    """
    metrics = {run: read_metrics(run) for run in settings.runs}
    frames: list[pd.DataFrame] = []
    clips: list[Clip] = []
    judged_runs = settings.runs if settings.judged else ()
    for run in judged_runs:
        for dataset in settings.datasets:
            frame = read_episodes(run, dataset, unseen=dataset in settings.unseen)
            final_round = int(frame.loc[frame["final"], "round"].iloc[0])
            _check_round(run, dataset, final_round, metrics[run])
            frames.append(frame)
            clips.extend(find_clips(run, dataset, final_round))
    episodes = pd.concat(frames, ignore_index=True) if frames else no_episodes()
    episodes["success"] = episodes["success"].astype(bool)
    _check_scenes(episodes)
    return ExperimentResults(
        settings=settings,
        metrics=metrics,
        episodes=episodes,
        videos={run: read_analysis(run) for run in judged_runs},
        clips=tuple(clips),
        data=read_data(settings),
        replays=read_replays(settings),
        declared=read_declarations(settings.declaration).declarations
        if settings.declaration
        else (),
    )


def _check_round(run: RunFolder, dataset: str, final_round: int, metrics: RunMetrics) -> None:
    if final_round != metrics.checkpoint.round:
        raise ResultsError(
            f"the rollouts are of round {final_round}, the final checkpoint is of round "
            f"{metrics.checkpoint.round}",
            file=run.files.episodes(dataset),
            key="round",
            value=final_round,
            remedy="roll the run out again",
        )


def _check_scenes(episodes: pd.DataFrame) -> None:
    """Refuse rollouts of several tasks, variants or lists of starts under the name of one dataset."""
    for dataset, rows in episodes.groupby("dataset", sort=False):
        for column in ("task", "variant", "initial_conditions"):
            if len(rows[column].unique()) != 1:
                raise ResultsError(
                    f"runs were rolled out on several values of {column} of one dataset",
                    key=f"{dataset}.{column}",
                    value=sorted(rows[column].unique()),
                    remedy="roll all runs out again",
                )
