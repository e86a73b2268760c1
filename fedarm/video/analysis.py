"""Measures a list of rollout videos; each video has a record, a JSON of the same name beside it.

The content of `video_analysis.json`, schema version 1:

    videos     one entry a video, sorted by file
        file                the video, relative to the folder that was given
        dataset, arm, seed, round, episode     from the record; null without one
        decodable           whether every declared frame could be decoded
        reason              what is wrong with the video or its record; null when nothing is
        frames, duration_s
        smoothness_sparc    SPARC of the flow's speed; null when nothing moves
        idle_share, path_length_px, black_share
        success_env         the environment's flag, from the record
        success_video       the judgement of the last frame; null when it cannot tell
    confusion  success_video against success_env; `undetermined` counts videos whose last frame could
               not tell, or could not be decoded
    counts     videos in all, and those with something wrong
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from fedarm.errors import VideoError
from fedarm.video.decoding import Clip, read_clip
from fedarm.video.motion import measure_motion
from fedarm.video.quality import black_share, is_short
from fedarm.video.smoothness import sparc
from fedarm.video.success import judge_last_frame, parse_check

SCHEMA_VERSION = 1

_FROM_RECORD = ("dataset", "arm", "seed", "round", "episode")
_UNMEASURED = dict.fromkeys(
    (
        "frames",
        "duration_s",
        "smoothness_sparc",
        "idle_share",
        "path_length_px",
        "black_share",
        "success_video",
    )
)
# Digits kept: more would differ between builds of OpenCV.
_DIGITS = 6


def analyze_folder(paths: Sequence[Path], *, root: Path | None = None) -> dict[str, Any]:
    """Measure videos; damaged ones and those without a record are reported, not raised.

    Args:
        paths: The videos.
        root: The folder to which `file` is relative; by default `file` is the video's name.

    Returns:
        The content of `video_analysis.json`.
    """
    videos = sorted(
        (_analyze(path, str(path.relative_to(root)) if root else path.name) for path in paths),
        key=lambda entry: str(entry["file"]),
    )
    return {
        "schema_version": SCHEMA_VERSION,
        "videos": videos,
        "confusion": _confusion(videos),
        "counts": {
            "videos": len(videos),
            "undecodable": sum(not video["decodable"] for video in videos),
            "with_reason": sum(video["reason"] is not None for video in videos),
        },
    }


def _analyze(path: Path, file: str) -> dict[str, Any]:
    record, problem = _read_record(path.with_suffix(".json"))
    entry: dict[str, Any] = {
        "file": file,
        **{key: record.get(key) for key in _FROM_RECORD},
        **_UNMEASURED,
        "success_env": record.get("success"),
        "decodable": True,
        "reason": problem,
    }
    try:
        clip = read_clip(path)
    except VideoError as error:
        return entry | {"decodable": False, "reason": str(error).splitlines()[0]}
    recorded_s = record.get("duration_s")
    if recorded_s is not None and is_short(clip.duration_s, recorded_s):
        entry["reason"] = f"{clip.duration_s:.2f} s long, its record says {recorded_s:.2f} s"
    entry |= _measure(clip)
    try:
        entry["success_video"] = _judge(clip, record)
    except VideoError as error:
        entry["reason"] = "; ".join(str(error).splitlines()[:2])
    return entry


def _read_record(path: Path) -> tuple[Mapping[str, Any], str | None]:
    """Return a video's record and what is wrong with it."""
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}, f"it has no record: {path.name} is missing"
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        return {}, f"its record {path.name} is not valid JSON: {error}"
    if not isinstance(record, dict):
        return {}, f"its record {path.name} is not a JSON object"
    return record, None


def _judge(clip: Clip, record: Mapping[str, Any]) -> bool | None:
    hints = record.get("final_frame_check")
    return None if hints is None else judge_last_frame(clip.last_rgb, parse_check(hints))


def _measure(clip: Clip) -> dict[str, Any]:
    motion = measure_motion(clip.luma, clip.fps)
    smoothness = sparc(motion.speed_px_per_s, clip.fps)
    return {
        "frames": len(clip.luma),
        "duration_s": round(clip.duration_s, _DIGITS),
        "smoothness_sparc": None if smoothness is None else round(smoothness, _DIGITS),
        "idle_share": round(motion.idle_share, _DIGITS),
        "path_length_px": round(motion.path_length_px, _DIGITS),
        "black_share": round(black_share(clip.luma), _DIGITS),
    }


def _confusion(videos: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    cells = {
        (True, True): "true_positive",
        (True, False): "false_positive",
        (False, True): "false_negative",
        (False, False): "true_negative",
    }
    confusion = dict.fromkeys((*cells.values(), "undetermined"), 0)
    for video in videos:
        if video["success_env"] is not None:
            confusion[
                cells.get((video["success_video"], video["success_env"]), "undetermined")
            ] += 1
    return confusion
