"""Frames left out of episodes: videos are cut, and metadata points to where frames and rows then are."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from fedarm.data.dataset import VideoSpan
from fedarm.data.decoding import span_frames
from fedarm.data.hotfixes.packets import count_packets, cut_video
from fedarm.data.hotfixes.tables import EPISODE_INDEX, cameras_of, update_episodes, video_file


def frame_spans(
    info: Mapping[str, Any], rows: Sequence[Mapping[str, Any]], camera: str
) -> dict[str, dict[int, range]]:
    """Return the positions of a camera's frames by file and episode."""
    spans: dict[str, dict[int, range]] = {}
    for row in rows:
        from_s, to_s = (row[f"videos/{camera}/{n}"] for n in ("from_timestamp", "to_timestamp"))
        file = video_file(info["video_path"], row, camera)
        span = span_frames(VideoSpan(file, from_s, to_s), float(info["fps"]))
        spans.setdefault(file, {})[int(row[EPISODE_INDEX])] = span
    return spans


def keep_frames(
    root: Path,
    info: Mapping[str, Any],
    rows: Sequence[Mapping[str, Any]],
    choose: Callable[[int, range], range | None],
) -> int:
    """Cut videos down to the frames that are chosen, and set the spans of the episodes that stay.

    Files of which everything is kept stay as they are; files without an episode that stays go.

    Args:
        root: The dataset's folder.
        info: What `meta/info.json` says.
        rows: The rows of the episodes table.
        choose: Given an episode and the positions of its frames in the video, returns those to keep,
            or None when the episode goes.

    Returns:
        How many frames went.

    Raises:
        DataError: A video cannot be read.
    """
    fps = float(info["fps"])
    lost = 0
    updates: dict[int, dict[str, Any]] = {}
    for camera in cameras_of(info):
        for file, spans in frame_spans(info, rows, camera).items():
            chosen = {index: choose(index, span) for index, span in spans.items()}
            if chosen == spans:
                continue
            before = count_packets(root / file)
            kept = {index: span for index, span in chosen.items() if span is not None}
            if kept:
                cut_video(root / file, list(kept.values()), fps=fps)
            else:
                (root / file).unlink(missing_ok=True)
            lost += before - sum(len(span) for span in kept.values())
            begin = 0
            for index, span in kept.items():
                updates.setdefault(index, {}).update(
                    {
                        f"videos/{camera}/from_timestamp": begin / fps,
                        f"videos/{camera}/to_timestamp": (begin + len(span)) / fps,
                    }
                )
                begin += len(span)
    update_episodes(root, updates)
    return lost


def place_rows(root: Path, lengths: Mapping[int, int]) -> None:
    """Write each episode's length and where its rows begin and end.

    Args:
        root: The dataset's folder.
        lengths: Rows by episode index, in the order of the episodes.
    """
    start = 0
    updates: dict[int, dict[str, Any]] = {}
    for index, length in lengths.items():
        updates[index] = {
            "length": length,
            "dataset_from_index": start,
            "dataset_to_index": start + length,
        }
        start += length
    update_episodes(root, updates)
