"""The replay's part of the report's page: a table a dataset, and a player of the arms' films."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from fedarm.report.experiment import ExperimentResults
from fedarm.report.player import Film, Player, Scene, fill_player
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


def replay_player(results: ExperimentResults) -> Player:
    """Return the player of the first film of each dataset: the compared arms' first seeds."""
    settings = results.settings
    compared = (settings.reference_name, *settings.candidates)
    scenes = []
    for dataset in settings.replayed:
        films: dict[str, Film] = {}
        for replay in results.replays:
            if replay.summary.dataset == dataset and replay.run.name in compared and replay.films:
                film = Film(label(replay.run.name), None, None, None, replay.films[0])
                films.setdefault(replay.run.name, film)
        if films:
            scenes.append(Scene(label(dataset), "a held-out episode", tuple(films.values())))
    return fill_player("replay", scenes)


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
