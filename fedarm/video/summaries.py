"""Measurements of videos put together by round and by arm."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import Any

# What the videos of one summary have in common.
ROUND = ("arm", "run", "seed", "round", "dataset")
ARM = ("arm", "run")

_MEANS = (
    "duration_s",
    "completion_time_s",
    "smoothness_sparc",
    "ldlj_actions",
    "path_length_px",
    "idle_share",
    "frozen_share",
    "black_share",
)
_SHARES = ("success_env", "success_video", "success_fitted")


def summarize(videos: Sequence[Mapping[str, Any]], keys: Sequence[str]) -> list[dict[str, Any]]:
    """Return one summary for each combination of labels, in their order.

    A mean is over the videos in which the measure is known, and None when it is in none of them. Videos
    without any of the labels are left out: nothing says whose they are.

    Args:
        videos: Entries of `video_analysis.json`.
        keys: The labels.
    """
    groups: dict[tuple[Any, ...], list[Mapping[str, Any]]] = defaultdict(list)
    for video in videos:
        labels = tuple(video[key] for key in keys)
        if any(label is not None for label in labels):
            groups[labels].append(video)
    return [
        {**dict(zip(keys, labels, strict=True)), **_summary(groups[labels])}
        for labels in sorted(groups, key=_order)
    ]


def _summary(videos: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    return {
        "videos": len(videos),
        "undecodable": sum(not video["decodable"] for video in videos),
        "with_findings": sum(bool(video["findings"]) for video in videos),
        **{name: _mean([video[name] for video in videos]) for name in (*_MEANS, *_SHARES)},
    }


def _mean(values: Sequence[float | bool | None]) -> float | None:
    known = [float(value) for value in values if value is not None]
    return round(fmean(known), 6) if known else None


def _order(labels: tuple[Any, ...]) -> tuple[tuple[bool, float, str], ...]:
    """Sort numbers as numbers, words as words, and what is missing last."""
    return tuple(
        (label is None, float(label), "")
        if isinstance(label, int | float)
        else (label is None, 0.0, str(label))
        for label in labels
    )
