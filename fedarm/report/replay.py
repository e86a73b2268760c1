"""Predictions on held-out recorded episodes, from each run's `replay/<dataset>/summary.json`.

They are no successes: nothing moved. They are shown, and decide nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any, Literal

import pandas as pd
from pydantic import BaseModel, ConfigDict

from fedarm.checked_json import read_checked
from fedarm.errors import ResultsError
from fedarm.report.inputs import ComparisonSettings, RunFolder

NO_SUCCESSES = (
    "Errors of predicted against recorded actions, and held-out losses, are no successes: no robot"
    " moved. They decide nothing."
)

_UNIT_WORDS = {"as recorded": "in the recording's own units"}
_REMEDY = "replay the run again"


class _Record(BaseModel):
    # The replay writes more than the report reads.
    model_config = ConfigDict(extra="ignore", frozen=True, allow_inf_nan=False)


class JointError(_Record):
    """Absolute error of one joint's predicted actions."""

    mean: float
    p95: float


class ErrorBySteps(_Record):
    """The same along the horizon, a list by joint."""

    actions: tuple[int, ...]
    mean: dict[str, tuple[float, ...]]
    p95: dict[str, tuple[float, ...]]


class ReplayedVideo(_Record):
    """A film of a held-out episode."""

    file: str
    episode: int


class ReplaySummary(_Record):
    """A `summary.json` of a replay."""

    schema_version: Literal[1]
    run: str
    seed: int
    round: int
    dataset: str
    unseen: bool
    looks: int
    actions: int
    policy_loss: float
    joints: tuple[str, ...]
    units: dict[str, str]
    error: dict[str, JointError]
    error_executed: dict[str, JointError]
    error_by_step: ErrorBySteps
    hold_still: dict[str, float] | None
    videos: tuple[ReplayedVideo, ...] = ()


@dataclass(frozen=True)
class Replay:
    """A run's predictions on one dataset.

    Attributes:
        run: The run.
        summary: What they amount to.
    """

    run: RunFolder
    summary: ReplaySummary

    @property
    def shown_as(self) -> str | None:
        """The curve that it belongs to; None for a local arm on another client's data."""
        if self.run.kind != "local":
            return self.run.name
        return "local" if self.run.name == f"local_{self.summary.dataset}" else None

    @property
    def films(self) -> tuple[Path, ...]:
        """The films of held-out episodes."""
        folder = self.run.files.replay_summary(self.summary.dataset).parent
        return tuple(folder / video.file for video in self.summary.videos)


def read_replays(settings: ComparisonSettings) -> tuple[Replay, ...]:
    """Read the replays of all runs, run after run.

    Raises:
        ResultsError: A summary is missing, breaks its schema, or is of another run or dataset.
    """
    return tuple(
        Replay(run, _read(run, dataset))
        for run in settings.replayed_runs
        for dataset in settings.replayed
    )


def replay_error(replays: Sequence[Replay]) -> pd.DataFrame:
    """Return errors by joint, a row a run, dataset and joint.

    Columns: name, kind, dataset, unseen, seed, joint, unit, mean, p95, executed_mean, executed_p95,
    hold_still.
    """
    rows = [
        {
            **_identity(replay),
            "joint": joint,
            "unit": replay.summary.units[joint],
            "mean": replay.summary.error[joint].mean,
            "p95": replay.summary.error[joint].p95,
            "executed_mean": replay.summary.error_executed[joint].mean,
            "executed_p95": replay.summary.error_executed[joint].p95,
            "hold_still": (replay.summary.hold_still or {}).get(joint),
        }
        for replay in replays
        for joint in replay.summary.joints
    ]
    return pd.DataFrame(rows)


def replay_by_step(replays: Sequence[Replay]) -> pd.DataFrame:
    """Return errors along the horizon, a row a run, dataset, joint and step.

    Columns: name, kind, dataset, unseen, seed, joint, unit, step, actions, mean, p95.
    """
    rows = [
        {
            **_identity(replay),
            "joint": joint,
            "unit": replay.summary.units[joint],
            "step": step,
            "actions": steps.actions[step],
            "mean": mean,
            "p95": steps.p95[joint][step],
        }
        for replay in replays
        for steps in (replay.summary.error_by_step,)
        for joint in replay.summary.joints
        for step, mean in enumerate(steps.mean[joint])
    ]
    return pd.DataFrame(rows)


def replay_losses(replays: Sequence[Replay]) -> pd.DataFrame:
    """Return policy losses over all looks: name, kind, dataset, unseen, seed, looks, policy_loss."""
    rows = [
        {
            **_identity(replay),
            "looks": replay.summary.looks,
            "policy_loss": replay.summary.policy_loss,
        }
        for replay in replays
    ]
    return pd.DataFrame(rows)


def replay_entries(replays: Sequence[Replay]) -> list[dict[str, Any]]:
    """Return the entries of `results.json`, one a run and dataset."""
    kept = {"round", "looks", "actions", "policy_loss", "units", "error", "error_executed"}
    return [
        {**_identity(replay), **replay.summary.model_dump(include={*kept, "hold_still"})}
        for replay in replays
    ]


def in_words(replays: Sequence[Replay]) -> str:
    """Return each run's errors on each dataset as plain text, means over seeds."""
    lines = [NO_SUCCESSES]
    groups: dict[tuple[str, str], list[ReplaySummary]] = {}
    for replay in replays:
        groups.setdefault((replay.run.name, replay.summary.dataset), []).append(replay.summary)
    for (name, dataset), summaries in groups.items():
        loss = fmean(summary.policy_loss for summary in summaries)
        lines.append(f"  {name} on {dataset}: {_errors(summaries)}; policy loss {loss:.3g}")
    return "\n".join(lines) + "\n"


def _errors(summaries: Sequence[ReplaySummary]) -> str:
    """Return mean absolute errors in words; joints of one unit together."""
    by_unit: dict[str, list[float]] = {}
    for summary in summaries:
        for joint, error in summary.error.items():
            by_unit.setdefault(summary.units[joint], []).append(error.mean)
    parts = ", ".join(
        f"{fmean(errors):.3g} {_UNIT_WORDS.get(unit, unit)}" for unit, errors in by_unit.items()
    )
    return f"mean absolute error {parts}"


def _identity(replay: Replay) -> dict[str, Any]:
    return {
        "name": replay.run.name,
        "kind": replay.run.kind,
        "dataset": replay.summary.dataset,
        "unseen": replay.summary.unseen,
        "seed": replay.run.seed,
    }


def _read(run: RunFolder, dataset: str) -> ReplaySummary:
    file = run.files.replay_summary(dataset)
    summary = read_checked(ReplaySummary, file, remedy=_REMEDY)
    for key, expected in (("run", run.name), ("seed", run.seed), ("dataset", dataset)):
        if getattr(summary, key) != expected:
            raise ResultsError(
                f"the replay is not what this folder stands for: expected {expected!r}",
                file=file,
                key=key,
                value=getattr(summary, key),
                remedy=_REMEDY,
            )
    return summary
