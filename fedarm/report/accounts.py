"""Budgets, and what the videos show, arm by arm."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from statistics import fmean

from fedarm.report.experiment import ExperimentResults
from fedarm.report.videos import VideoMeasurement


@dataclass(frozen=True)
class Budget:
    """What one run of an arm has spent; the same for all its seeds.

    Attributes:
        name: The runs' name.
        kind: How it trains.
        seeds: Number of seeds.
        samples: Samples seen, over all its clients together.
        samples_per_client: Samples by client; pooled clients are one, `a+b`.
        batch_size: Samples a step.
        optimizer_steps: Steps, over all its clients together.
        parameters: Parameters trained.
        bytes_up: Bytes sent by all clients, over all rounds; 0 when nothing is exchanged.
        bytes_down: Bytes sent to all clients.
    """

    name: str
    kind: str
    seeds: int
    samples: int
    samples_per_client: dict[str, int]
    batch_size: int
    optimizer_steps: int
    parameters: int
    bytes_up: int
    bytes_down: int


@dataclass(frozen=True)
class RoundWithout:
    """A round of a federated run that went on without a client.

    Attributes:
        name: The run's name.
        seed: Its seed.
        round: The round.
        client: The client.
        stage: `train` or `evaluate`.
        reason: What was wrong with its reply.
        detail: The same more exactly; perhaps empty.
    """

    name: str
    seed: int
    round: int
    client: str
    stage: str
    reason: str
    detail: str


@dataclass(frozen=True)
class VideoAccount:
    """What an arm's videos show, over all its seeds and filmed rounds.

    Attributes:
        name: The runs' name.
        videos: Number of videos.
        undecodable: Videos that could not be read to the end.
        with_reason: Videos with something wrong, undecodable ones included.
        smoothness_sparc: Mean SPARC of the flow's speed; nearer 0 is smoother.
        idle_share: Mean share of frames without motion.
        black_share: Mean share of black frames.
        true_positive: Success by the last frame and by the environment.
        false_positive: Success by the last frame only.
        false_negative: Success by the environment only.
        true_negative: Success by neither.
        undetermined: The last frame could not tell, or there is no flag to compare with.
    """

    name: str
    videos: int
    undecodable: int
    with_reason: int
    smoothness_sparc: float | None
    idle_share: float | None
    black_share: float | None
    true_positive: int
    false_positive: int
    false_negative: int
    true_negative: int
    undetermined: int


def budgets(results: ExperimentResults) -> tuple[Budget, ...]:
    """Return the budget of each run's name, from its first seed."""
    found: list[Budget] = []
    for name in results.settings.names:
        runs = results.settings.runs_of(name)
        metrics = results.metrics[runs[0]]
        found.append(
            Budget(
                name=name,
                kind=runs[0].kind,
                seeds=len(runs),
                samples=metrics.samples,
                samples_per_client=dict(metrics.samples_per_client),
                batch_size=metrics.batch_size,
                optimizer_steps=metrics.optimizer_steps,
                parameters=metrics.parameters,
                bytes_up=sum(line.bytes_up for line in metrics.rounds),
                bytes_down=sum(line.bytes_down for line in metrics.rounds),
            )
        )
    return tuple(found)


def unequal_budgets(results: ExperimentResults) -> tuple[str, ...]:
    """Return the runs that have seen another number of samples than the reference.

    The base and local arms have budgets of their own: pretraining, and one client's share.
    """
    settings = results.settings
    expected = results.metrics[settings.runs_of(settings.reference_name)[0]].samples
    return tuple(
        run.label
        for run in settings.runs
        if run.kind in {"central", "federated"} and results.metrics[run].samples != expected
    )


def client_exclusions(results: ExperimentResults) -> tuple[RoundWithout, ...]:
    """Return every round of every run that went on without a client."""
    return tuple(
        RoundWithout(name=run.name, seed=run.seed, round=line.round, **exclusion.model_dump())
        for run in results.settings.runs
        for line in results.metrics[run].rounds
        for exclusion in line.exclusions
    )


def training_seconds(results: ExperimentResults) -> dict[str, float]:
    """Return the mean wall-clock seconds of a run's rounds, by name."""
    settings = results.settings
    return {
        name: fmean(
            sum(line.seconds for line in results.metrics[run].rounds)
            for run in settings.runs_of(name)
        )
        for name in settings.names
    }


def video_accounts(results: ExperimentResults) -> tuple[VideoAccount, ...]:
    """Return what the videos of each run's name show; nothing where no rollout was filmed."""
    if not results.settings.judged:
        return ()
    return tuple(
        _account(
            name,
            [
                video
                for run in results.settings.runs_of(name)
                for video in results.videos[run].videos
            ],
        )
        for name in results.settings.names
    )


def _account(name: str, videos: list[VideoMeasurement]) -> VideoAccount:
    judged = [(video.success_video, video.success_env) for video in videos]
    return VideoAccount(
        name=name,
        videos=len(videos),
        undecodable=sum(not video.decodable for video in videos),
        with_reason=sum(video.reason is not None for video in videos),
        smoothness_sparc=_mean(video.smoothness_sparc for video in videos),
        idle_share=_mean(video.idle_share for video in videos),
        black_share=_mean(video.black_share for video in videos),
        true_positive=judged.count((True, True)),
        false_positive=judged.count((True, False)),
        false_negative=judged.count((False, True)),
        true_negative=judged.count((False, False)),
        undetermined=sum(None in pair for pair in judged),
    )


def _mean(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return fmean(known) if known else None
