"""Measures a list of videos: the content of `video_analysis.json`, see docs/video_analysis.md."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from fedarm.video.confusion import confusion
from fedarm.video.fitted import judge_tasks
from fedarm.video.measurement import MEASURES, VideoMeasurement, measure_video
from fedarm.video.records import LABELS
from fedarm.video.summaries import ARM, ROUND, summarize

SCHEMA_VERSION = 2

Entry = dict[str, Any]


def analyze_videos(
    paths: Sequence[Path],
    *,
    root: Path | None = None,
    advance: Callable[[], None] = lambda: None,
) -> dict[str, Any]:
    """Measure videos; damaged ones and those without a record are reported, not raised.

    Args:
        paths: The videos.
        root: The folder to which `file` is relative; by default `file` is the video's name.
        advance: Called after each video.

    Returns:
        The content of `video_analysis.json`.
    """
    measurements = []
    for path in paths:
        file = path.relative_to(root).as_posix() if root else path.name
        measurements.append(measure_video(path, file))
        advance()
    measurements.sort(key=lambda video: video.file)
    judgements = judge_tasks(measurements)
    fitted = {file: flag for task in judgements for file, flag in task.judgements.items()}
    videos = [_entry(video, fitted.get(video.file)) for video in measurements]
    return {
        "schema_version": SCHEMA_VERSION,
        "videos": videos,
        "rounds": summarize(videos, ROUND),
        "arms": summarize(videos, ARM),
        "confusion": confusion(
            [video["success_video"] for video in videos], [video["success_env"] for video in videos]
        ),
        "fitted_success": [task.to_json() for task in judgements],
        "counts": _counts(videos),
    }


def _entry(video: VideoMeasurement, success_fitted: bool | None) -> Entry:
    return {
        "file": video.file,
        **{name: video.labels[name] for name in LABELS},
        "decodable": video.decodable,
        "reason": video.reason,
        "findings": [finding.to_json() for finding in video.findings],
        **{name: video.values[name] for name in MEASURES},
        "success_env": video.success_env,
        "success_fitted": success_fitted,
        "record_missing": video.record_missing is not None,
        "unknown": video.unknown,
    }


def _counts(videos: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    kinds = Counter(kind for video in videos for kind in {f["kind"] for f in video["findings"]})
    return {
        "videos": len(videos),
        "undecodable": sum(not video["decodable"] for video in videos),
        "with_reason": sum(video["reason"] is not None for video in videos),
        "with_findings": sum(bool(video["findings"]) for video in videos),
        "without_record": sum(video["record_missing"] for video in videos),
        "findings": dict(sorted(kinds.items())),
    }
