"""The replay's part of the report's page: a table a dataset, and films of the compared arms."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

from fedarm.report.experiment import ExperimentResults
from fedarm.report.replay import Replay
from fedarm.report.wording import label


@dataclass(frozen=True)
class ReplayTable:
    """The errors of all arms on one dataset.

    Attributes:
        title: The dataset.
        unseen: Whether no arm was trained on it.
        joints: Names and units of the joints.
        rows: By run's name: `name`, `kind`, `loss`, and `errors`, mean and 95th percentile by joint.
        hold_still: Mean error of not moving at all by joint, or None.
    """

    title: str
    unseen: bool
    joints: tuple[tuple[str, str], ...]
    rows: tuple[dict[str, Any], ...]
    hold_still: tuple[float, ...] | None


@dataclass(frozen=True)
class ReplayReel:
    """Films of several arms on one held-out episode."""

    title: str
    films: tuple[tuple[str, Path], ...]


def replay_rows(results: ExperimentResults) -> list[ReplayTable]:
    """Return a table a dataset: a row a run's name, means over its seeds."""
    tables = []
    for dataset in results.settings.replayed:
        replays = [each for each in results.replays if each.summary.dataset == dataset]
        names = dict.fromkeys(each.run.name for each in replays)
        first = replays[0].summary
        joints = tuple((joint, first.units[joint]) for joint in first.joints)
        tables.append(
            ReplayTable(
                title=label(dataset),
                unseen=first.unseen,
                joints=joints,
                rows=tuple(
                    _row([each for each in replays if each.run.name == name], first.joints)
                    for name in names
                ),
                hold_still=None
                if first.hold_still is None
                else tuple(first.hold_still[joint] for joint, _ in joints),
            )
        )
    return tables


def replay_reels(results: ExperimentResults) -> list[ReplayReel]:
    """Return, for each dataset, the first film of the compared arms' first seed."""
    settings = results.settings
    compared = (settings.reference_name, *settings.candidates)
    reels = []
    for dataset in settings.replayed:
        films: dict[str, Path] = {}
        for replay in results.replays:
            if replay.summary.dataset == dataset and replay.run.name in compared and replay.films:
                films.setdefault(replay.run.name, replay.films[0])
        if films:
            reels.append(ReplayReel(label(dataset), tuple(films.items())))
    return reels


def _row(replays: Sequence[Replay], joints: Sequence[str]) -> dict[str, Any]:
    summaries = [each.summary for each in replays]
    return {
        "name": replays[0].run.name,
        "kind": replays[0].run.kind,
        "loss": fmean(summary.policy_loss for summary in summaries),
        "errors": [
            (
                fmean(summary.error[joint].mean for summary in summaries),
                fmean(summary.error[joint].p95 for summary in summaries),
            )
            for joint in joints
        ],
    }
