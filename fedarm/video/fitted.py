"""Success read from last frames by a small classifier a task, tried on other episodes than its own.

A logistic regression on the nine numbers of `features`. It is fitted on the environment's flags of some
initial conditions and judges the videos of the others, in turns, so that it has never seen where the
object lay in an episode that it judges. Only these judgements count.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit

from fedarm.video.confusion import confusion
from fedarm.video.measurement import VideoMeasurement

# Fewer than these say nothing about a classifier.
_MIN_OF_EACH_CLASS = 8
_FOLDS = 5
# Strength of the pull towards 0 on weights of standardised features.
_RIDGE = 1.0

Matrix = NDArray[np.float64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class FittedJudgement:
    """How well success can be read from the last frames of a task's videos.

    Attributes:
        task: The task.
        videos: Videos with a flag and a last frame to look at.
        successes: Those in which the environment saw a success.
        initial_conditions: Different ones among them.
        reason: Why there are no judgements; None when there are.
        judgements: By file, from fits without the video's initial condition.
        confusion: Of these judgements with the flags; None without any.
        final_frame_check: The same of the check that is not fitted, on the same videos.
    """

    task: str
    videos: int
    successes: int
    initial_conditions: int
    reason: str | None
    judgements: Mapping[str, bool]
    confusion: Mapping[str, int] | None
    final_frame_check: Mapping[str, int]

    def to_json(self) -> dict[str, Any]:
        """Return the fields, without the judgements: those are with their videos."""
        return {key: value for key, value in vars(self).items() if key != "judgements"}


def judge_tasks(measurements: Sequence[VideoMeasurement]) -> list[FittedJudgement]:
    """Return a judgement a task, by the name that the videos' records give it."""
    usable = [video for video in measurements if _is_usable(video)]
    usable.sort(key=lambda video: (str(video.labels["task"]), video.file))
    groups = groupby(usable, key=lambda video: str(video.labels["task"]))
    return [_judge_task(task, list(videos)) for task, videos in groups]


def fit_logistic(features: Matrix, flags: Flags) -> Matrix:
    """Return the weights of a ridge logistic regression: the intercept first, which is not pulled.

    Args:
        features: `(video, feature)`, standardised.
        flags: `(video,)`.
    """
    design = np.column_stack([np.ones(len(features)), features])
    signs = np.where(flags, 1.0, -1.0)
    pulled = np.r_[0.0, np.full(features.shape[1], _RIDGE)]

    def loss(weights: Matrix) -> tuple[float, Matrix]:
        margins = signs * (design @ weights)
        value = np.logaddexp(0, -margins).sum() + 0.5 * float(pulled @ weights**2)
        return float(value), -design.T @ (signs * expit(-margins)) + pulled * weights

    return np.asarray(minimize(loss, np.zeros(design.shape[1]), jac=True, method="L-BFGS-B").x)


def _is_usable(video: VideoMeasurement) -> bool:
    return (
        video.features is not None
        and video.success_env is not None
        and video.labels["task"] is not None
        and _initial_condition(video) is not None
    )


def _initial_condition(video: VideoMeasurement) -> str | None:
    """Return what an episode started from: its seed, or its number on a dataset."""
    if video.labels["initial_condition_seed"] is not None:
        return str(video.labels["initial_condition_seed"])
    if video.labels["episode"] is not None:
        return f"{video.labels['dataset']} {video.labels['episode']}"
    return None


def _judge_task(task: str, videos: Sequence[VideoMeasurement]) -> FittedJudgement:
    flags = np.array([video.success_env is True for video in videos])
    conditions = sorted({str(_initial_condition(video)) for video in videos})
    folds = {condition: index % _FOLDS for index, condition in enumerate(conditions)}
    fold_of = np.array([folds[str(_initial_condition(video))] for video in videos])
    reason = _too_few(flags, fold_of, len(conditions))
    judged: list[bool | None] = [None] * len(videos)
    if reason is None:
        features = np.array([video.features for video in videos], np.float64)
        judged = _cross_validate(features, flags, fold_of).tolist()
    return FittedJudgement(
        task=task,
        videos=len(videos),
        successes=int(flags.sum()),
        initial_conditions=len(conditions),
        reason=reason,
        judgements={
            video.file: verdict
            for video, verdict in zip(videos, judged, strict=True)
            if verdict is not None
        },
        confusion=None if reason else confusion(judged, flags.tolist()),
        final_frame_check=confusion(
            [video.values["success_video"] for video in videos], flags.tolist()
        ),
    )


def _too_few(flags: Flags, fold_of: NDArray[np.int64], conditions: int) -> str | None:
    successes, failures = int(flags.sum()), int((~flags).sum())
    if min(successes, failures) < _MIN_OF_EACH_CLASS:
        return (
            f"too few to fit: {successes} successes and {failures} failures,"
            f" at least {_MIN_OF_EACH_CLASS} of each are needed"
        )
    if conditions < _FOLDS:
        return f"too few initial conditions to leave some out: {conditions}, {_FOLDS} are needed"
    if any(len(np.unique(flags[fold_of != fold])) < 2 for fold in range(_FOLDS)):
        return "too few to fit: without some initial conditions, one class is missing"
    return None


def _cross_validate(features: Matrix, flags: Flags, fold_of: NDArray[np.int64]) -> Flags:
    judged = np.zeros(len(flags), dtype=bool)
    for fold in range(_FOLDS):
        held_out = fold_of == fold
        fitted = features[~held_out]
        mean, deviation = fitted.mean(axis=0), np.maximum(fitted.std(axis=0), 1e-9)
        weights = fit_logistic((fitted - mean) / deviation, flags[~held_out])
        judged[held_out] = weights[0] + ((features[held_out] - mean) / deviation) @ weights[1:] > 0
    return judged
