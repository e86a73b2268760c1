"""Rates and timestamps."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from .defect import Planted, Strength, by_strength, defect
from .rebuild import episode_runs, rebuild
from .tables import (
    STATE,
    edit_info,
    edit_rows,
    lengths,
    matrix,
    pick_episode,
    read_info,
    read_rows,
    refresh_statistics,
    rows_of,
    vector,
    write_rows,
)

RESTAMP = ({"fix": "restamp_timestamps"},)


@defect("timestamp_jump", "one gap in an episode's timestamps")
def jump(folder: Path, strength: Strength, rng: np.random.Generator) -> Planted:
    episode = pick_episode(folder, rng)
    rows = rows_of(folder, episode)
    frame = int(rng.integers(5, len(rows) - 5))
    times = vector(read_rows(folder), "timestamp")
    times[rows[frame:]] += by_strength(strength, 0.03, 0.2, 2.0)
    edit_rows(folder, timestamp=times)
    refresh_statistics(folder, ("timestamp",))
    return Planted(
        ("timestamps", "frame_drops"), (episode,), (frame - 1, frame), None, RESTAMP, True
    )


@defect("timestamp_drift", "timestamps that run slightly too fast")
def drift(folder: Path, strength: Strength, rng: np.random.Generator) -> Planted:
    episode = pick_episode(folder, rng)
    rows = rows_of(folder, episode)
    times = vector(read_rows(folder), "timestamp")
    times[rows] *= 1 + by_strength(strength, 0.0025, 0.01, 0.05)
    edit_rows(folder, timestamp=times)
    refresh_statistics(folder, ("timestamp",))
    return Planted(("timestamps",), (episode,), None, "timestamp", RESTAMP, True)


@defect("timestamp_jitter", "timestamps with noise on them")
def jitter(folder: Path, strength: Strength, rng: np.random.Generator) -> Planted:
    times = vector(read_rows(folder), "timestamp")
    noise = rng.normal(scale=by_strength(strength, 0.001, 0.01, 0.03), size=len(times))
    noise[vector(read_rows(folder), "frame_index") == 0] = 0
    edit_rows(folder, timestamp=times + noise.astype(np.float32))
    refresh_statistics(folder, ("timestamp",))
    return Planted(("timestamps",), (), None, "timestamp", RESTAMP, True)


@defect("timestamp_backwards", "time that runs backwards")
def backwards(folder: Path, strength: Strength, rng: np.random.Generator) -> Planted:
    episode = pick_episode(folder, rng)
    rows = rows_of(folder, episode)
    frames = by_strength(strength, 2, 4, 10)
    first = int(rng.integers(3, len(rows) - frames - 3))
    times = vector(read_rows(folder), "timestamp")
    part = rows[first : first + frames]
    times[part] = times[part][::-1]
    edit_rows(folder, timestamp=times)
    return Planted(("timestamps",), (episode,), (first, first + frames), None, RESTAMP, True)


@defect("timestamp_absolute", "timestamps that do not start again with each episode")
def absolute(folder: Path, strength: Strength, _: np.random.Generator) -> Planted:
    rows = read_rows(folder)
    times, index = vector(rows, "timestamp"), vector(rows, "episode_index")
    first = by_strength(strength, len(lengths(folder)) - 1, len(lengths(folder)) // 2, 1)
    fps = read_info(folder)["fps"]
    late = index >= first
    times[late] = (vector(rows, "index")[late] / fps).astype(np.float32)
    edit_rows(folder, timestamp=times)
    refresh_statistics(folder, ("timestamp",))
    episodes = tuple(range(first, len(lengths(folder))))
    return Planted(("timestamps",), episodes, None, "timestamp", RESTAMP, True)


@defect("stamped_fps", "an fps stamped above the recorded one: every state is there several times")
def stamped_fps(folder: Path, strength: Strength, _: np.random.Generator) -> Planted:
    """Resample as a loop does that runs faster than its bus answers (lerobot #2786)."""
    factor = by_strength(strength, 1.5, 2, 3)
    fps = read_info(folder)["fps"]
    stamped = round(fps * factor)
    rebuild(
        folder,
        [
            run[(np.arange(int(len(run) * factor)) / factor).astype(int)]
            for run in episode_runs(folder)
        ],
        fps=stamped,
    )
    # 1.5 times has no unique inverse; whole factors have.
    fixes = () if strength == "mild" else ({"fix": "correct_fps", "fps": fps},)
    # The recorder's statistics, in 32-bit sums, cannot be had back from the rows to the last digit.
    return Planted(("stamped_fps",), (), None, None, fixes, bool(fixes), tolerance=1e-9)


@defect("wrong_fps", "an fps in info.json that is not that of rows and videos")
def wrong_fps(folder: Path, strength: Strength, _: np.random.Generator) -> Planted:
    fps = read_info(folder)["fps"]
    edit_info(folder, lambda info: info.update(fps=fps + by_strength(strength, 1, 5, 20)))
    fixes = ({"fix": "correct_fps", "fps": fps},)
    return Planted(("timestamps", "video_rate", "stamped_fps"), (), None, None, fixes, True)


@defect("dropped_frames", "frames lost while recording: states and picture jump, times do not")
def dropped_frames(folder: Path, strength: Strength, rng: np.random.Generator) -> Planted:
    episode = pick_episode(folder, rng)
    lost = by_strength(strength, 3, 5, 8)
    runs = episode_runs(folder)
    first = _fastest(folder, runs[episode], lost)
    runs[episode] = np.delete(runs[episode], slice(first, first + lost))
    rebuild(folder, runs)
    frames = (first - 1, first + 1)
    return Planted(("frame_drops", "discontinuity"), (episode,), frames)


@defect("rows_lost", "rows missing from an episode that its video still shows")
def rows_lost(folder: Path, strength: Strength, rng: np.random.Generator) -> Planted:
    episode = pick_episode(folder, rng)
    lost = by_strength(strength, 1, 3, 8)
    rows = rows_of(folder, episode)
    first = int(rng.integers(5, len(rows) - lost - 5))
    table = read_rows(folder)
    keep = np.setdiff1d(np.arange(table.num_rows), rows[first : first + lost])
    write_rows(folder, table.take(keep))
    drop = ({"fix": "drop_episodes", "episodes": [episode]},)
    checks = ("frame_order", "row_count", "frame_drops", "timestamps")
    return Planted(checks, (episode,), (first - 1, first + lost), None, drop)


def _fastest(folder: Path, rows: np.ndarray, lost: int) -> int:
    """Return where the arm moves farthest: losing frames of a still arm hurts nobody."""
    state = matrix(read_rows(folder), STATE)[rows]
    moved = np.abs(state[lost + 1 :] - state[: -lost - 1]).max(axis=1)
    return int(np.argmax(moved[3:-3])) + 4
