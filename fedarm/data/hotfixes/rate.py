"""The hotfix of a stamped rate: a dataset that says 30 frames/s and was recorded at 15."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fedarm.config_hotfixes import CorrectFps, RestampTimestamps
from fedarm.data.hotfixes.hotfix import NOTHING, Touched, hotfix
from fedarm.data.hotfixes.packets import retime_video
from fedarm.data.hotfixes.rows import restamp_timestamps
from fedarm.data.hotfixes.statistics import restate_statistics
from fedarm.data.hotfixes.tables import (
    EPISODE_INDEX,
    cameras_of,
    read_episode_rows,
    update_episodes,
    video_file,
    write_info,
)
from fedarm.data.hotfixes.thinning import drop_repeats
from fedarm.data.info import read_info


@hotfix("correct_fps", repairs=("stamped_fps", "video_rate"), lossless=True, order=50)
def correct_fps(root: Path, settings: CorrectFps) -> Touched:
    """Write the true rate into the metadata, the timestamps, the video spans and the videos.

    Where the recorder reached the stamped rate by writing each row several times, the repetitions and
    their frames are left out first. What has the true rate already stays as it is.

    Raises:
        DataError: A table or a video cannot be read.
    """
    stamped = float(read_info(root)["fps"])
    factor = round(stamped / settings.fps)
    exact = factor * settings.fps == stamped
    repeated, cut = drop_repeats(root, factor) if exact else (0, 0)
    info = read_info(root)
    rows = read_episode_rows(root)
    frames = cut + sum(retime_video(root / file, fps=settings.fps) for file in _videos(info, rows))
    spans = update_episodes(root, _span_updates(info, rows, settings.fps))
    write_info(root, _with_rate(info, settings.fps))
    stamps = restamp_timestamps(root, RestampTimestamps())
    if repeated:
        restate_statistics(root)
    if not (frames or spans or stamps.rows or stamped != settings.fps):
        return Touched(0, 0, (), NOTHING)
    episodes = tuple(sorted({*spans, *stamps.episodes}))
    why = f"the stamped rate is {stamped:g} frames/s, the recorded one {settings.fps}"
    if repeated:
        why += f"; {repeated} rows repeated the ones before and went"
    return Touched(repeated + stamps.rows, frames, episodes, why)


def _videos(info: Mapping[str, Any], rows: list[dict[str, Any]]) -> list[str]:
    template = info.get("video_path")
    files = (video_file(str(template), row, c) for row in rows for c in cameras_of(info))
    return sorted(set(files))


def _span_updates(
    info: Mapping[str, Any], rows: list[dict[str, Any]], fps: int
) -> dict[int, dict[str, Any]]:
    """Return the spans that do not hold an episode's frames at the true rate, scaled to it."""
    stamped = float(info["fps"])
    updates: dict[int, dict[str, Any]] = {}
    for row in rows:
        for camera in cameras_of(info):
            begin, end = f"videos/{camera}/from_timestamp", f"videos/{camera}/to_timestamp"
            if round((row[end] - row[begin]) * fps) != row["length"]:
                # A whole number of frames stays one.
                scaled = {key: round(row[key] * stamped, 6) / fps for key in (begin, end)}
                updates.setdefault(row[EPISODE_INDEX], {}).update(scaled)
    return updates


def _with_rate(info: Mapping[str, Any], fps: int) -> dict[str, Any]:
    features = {}
    for key, feature in info["features"].items():
        changed = dict(feature)
        if "fps" in feature:
            changed["fps"] = fps
        details = feature.get("info")
        if isinstance(details, dict) and "video.fps" in details:
            changed["info"] = {**details, "video.fps": fps}
        features[key] = changed
    return {**info, "fps": fps, "features": features}
