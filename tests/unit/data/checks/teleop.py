"""Writes datasets as a person's teleoperation would leave them, without LeRobot and within a second.

Minimum-jerk moves between poses, pauses of a second, encoder steps of 0.088 degrees with noise, a
follower two or three frames behind its leader, and a camera that sees the arm move.
"""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

JOINTS = ("shoulder_pan", "shoulder_lift", "elbow_flex", "wrist_flex", "wrist_roll", "gripper")
NAMES = [f"{joint}.pos" for joint in JOINTS]
CAMERA = "observation.images.front"
DATA = "data/chunk-000/file-000.parquet"
EPISODES = "meta/episodes/chunk-000/file-000.parquet"
VIDEO = f"videos/{CAMERA}/chunk-000/file-000.mp4"
FPS = 30
SIZE = 96
TASKS = ("Put the red cube on the blue disc.",)
_QUANTILES = (0.01, 0.1, 0.5, 0.9, 0.99)
_TICK = 360 / 4096


def demonstrate(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return an episode's states and actions `(frame, joint)`."""
    poses = [np.array([0.0, -60.0, 70.0, 40.0, 0.0, 5.0]) + rng.normal(scale=3, size=6)]
    for base in ((-25, 5, 10, 70, 15, 45), (-25, 20, -5, 75, 15, 10), (30, 0, 5, 70, -10, 10)):
        poses.append(np.array(base, float) + rng.normal(scale=6, size=6) * (1, 1, 1, 1, 1, 0.2))
    poses.append(poses[-1] + (0, -8, 8, 0, 0, 35))
    course = [poses[0]]
    for begin, end in pairwise(poses):
        frames = int(rng.integers(20, 32))
        s = np.linspace(0, 1, frames)[1:, None]
        course.extend(begin + (end - begin) * (10 * s**3 - 15 * s**4 + 6 * s**5))
        if rng.random() < 0.3:
            course.extend([end] * FPS)
    course = np.array(course)
    tremor = np.cumsum(rng.normal(scale=0.04, size=course.shape), axis=0)
    leader = course + tremor - np.linspace(0, 1, len(course))[:, None] * tremor[-1]
    lag = int(rng.integers(2, 4))
    follower = np.vstack([np.repeat(leader[:1], lag, axis=0), leader[:-lag]])
    follower = follower + rng.normal(scale=0.05, size=follower.shape) + (0, 1.5, -1, 0.5, 0, 0)
    # What is gripped keeps the jaws apart, however hard the leader squeezes.
    follower[:, 5] = np.maximum(follower[:, 5], 12.0)
    return tuple((np.round(x / _TICK) * _TICK).astype(np.float32) for x in (follower, leader))


def draw(states: np.ndarray, seed: int = 0) -> np.ndarray:
    """Return pictures `(frame, height, width, channel)` of an arm in these states."""
    rng = np.random.default_rng(seed)
    floor = np.kron(rng.integers(90, 150, (8, 8, 3)), np.ones((SIZE // 8, SIZE // 8, 1)))
    y, x = np.mgrid[:SIZE, :SIZE]
    frames = np.empty((len(states), SIZE, SIZE, 3), np.uint8)
    for frame, state in zip(frames, states, strict=True):
        image = floor.copy()
        pan, lift, elbow = np.deg2rad(state[:3])
        angle, reach = pan * 1.5, 40 + 25 * np.sin(lift) - 15 * np.sin(elbow)
        along = (x - SIZE / 2) * np.sin(angle) + (SIZE - y) * np.cos(angle)
        across = (x - SIZE / 2) * np.cos(angle) - (SIZE - y) * np.sin(angle)
        arm = (along > 0) & (along < reach) & (np.abs(across) < 10)
        shade = 60 + 40 * np.sin(along / 4 + state[3] / 12)
        image[arm] = np.stack([shade, shade, 0.7 * shade], -1)[arm]
        jaw = (np.abs(along - reach) < 6) & (np.abs(np.abs(across) - state[5] / 5) < 3)
        image[jaw] = (230, 200, 40)
        frame[:] = image
    return frames


def encode(file: Path, frames: np.ndarray, fps: int = FPS) -> None:
    """Write a video, as LeRobot's recorder does: h264, a key frame every other frame."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(file), "w") as container:
        stream = container.add_stream("h264", rate=fps)
        stream.width = stream.height = SIZE
        stream.pix_fmt = "yuv420p"
        stream.options = {"preset": "ultrafast", "crf": "18", "g": "2"}
        for frame in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        container.mux(stream.encode())


def statistics(values: np.ndarray) -> dict[str, list[float]]:
    """Return what LeRobot stores of a feature `(frame, channel)`."""
    values = values.astype(np.float64)
    named = {
        "mean": values.mean(0),
        "std": values.std(0),
        "min": values.min(0),
        "max": values.max(0),
    }
    for quantile in _QUANTILES:
        named[f"q{round(100 * quantile):02d}"] = np.quantile(values, quantile, axis=0)
    return {name: value.tolist() for name, value in named.items()} | {"count": [len(values)]}


def write_teleop(root: Path, *, episodes: int = 6, seed: int = 0) -> None:
    """Write a clean dataset of teleoperation."""
    rng = np.random.default_rng(seed)
    recorded = [demonstrate(rng) for _ in range(episodes)]
    pixels = [draw(state, seed) for state, _ in recorded]
    encode(root / VIDEO, np.concatenate(pixels))
    write_tables(root, recorded, brightness=float(np.concatenate(pixels).mean() / 255))


def write_tables(root: Path, recorded, *, brightness: float) -> None:
    """Write data/ and meta/ for episodes of states and actions."""
    lengths = [len(state) for state, _ in recorded]
    ends = np.cumsum(lengths)
    states, actions = (np.concatenate([pair[i] for pair in recorded]) for i in (0, 1))
    frame = np.concatenate([np.arange(n) for n in lengths])
    vector = pa.list_(pa.float32(), 6)
    rows = {
        "observation.state": pa.FixedSizeListArray.from_arrays(states.ravel(), type=vector),
        "action": pa.FixedSizeListArray.from_arrays(actions.ravel(), type=vector),
        "timestamp": (frame / FPS).astype(np.float32),
        "frame_index": frame,
        "episode_index": np.repeat(np.arange(len(lengths)), lengths),
        "index": np.arange(len(frame)),
        "task_index": np.zeros(len(frame), np.int64),
    }
    _write(root / DATA, rows)
    table = {
        "episode_index": range(len(lengths)),
        "tasks": [list(TASKS)] * len(lengths),
        "length": lengths,
        "data/chunk_index": [0] * len(lengths),
        "data/file_index": [0] * len(lengths),
        "dataset_from_index": ends - lengths,
        "dataset_to_index": ends,
        f"videos/{CAMERA}/chunk_index": [0] * len(lengths),
        f"videos/{CAMERA}/file_index": [0] * len(lengths),
        f"videos/{CAMERA}/from_timestamp": (ends - lengths) / FPS,
        f"videos/{CAMERA}/to_timestamp": ends / FPS,
    }
    for key, position in (("observation.state", 0), ("action", 1)):
        stored = [statistics(pair[position]) for pair in recorded]
        table |= {f"stats/{key}/{name}": [s[name] for s in stored] for name in stored[0]}
    _write(root / EPISODES, table)
    _write(root / "meta/tasks.parquet", {"task_index": range(len(TASKS)), "task": list(TASKS)})
    image = {name: [[[brightness]]] * 3 for name in ("mean", "std", "min", "max")} | {"count": [9]}
    stats = {"observation.state": statistics(states), "action": statistics(actions), CAMERA: image}
    (root / "meta/stats.json").write_text(json.dumps(stats))
    (root / "meta/info.json").write_text(json.dumps(_info(len(lengths), len(frame))))


def _info(episodes: int, frames: int) -> dict:
    scalar = {"shape": [1], "names": None}
    vector = {"dtype": "float32", "shape": [6], "names": NAMES}
    return {
        "codebase_version": "v3.0",
        "fps": FPS,
        "robot_type": "so101_follower",
        "total_episodes": episodes,
        "total_frames": frames,
        "total_tasks": len(TASKS),
        "data_path": "data/chunk-{chunk_index:03d}/file-{file_index:03d}.parquet",
        "video_path": "videos/{video_key}/chunk-{chunk_index:03d}/file-{file_index:03d}.mp4",
        "features": {
            CAMERA: {
                "dtype": "video",
                "shape": [SIZE, SIZE, 3],
                "names": ["height", "width", "channels"],
                "info": {"video.codec": "h264"},
            },
            "observation.state": vector,
            "action": vector,
            "timestamp": {"dtype": "float32", **scalar},
            **{
                key: {"dtype": "int64", **scalar}
                for key in ("frame_index", "episode_index", "index", "task_index")
            },
        },
    }


def _write(file: Path, columns: dict) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table({key: pa.array(value) for key, value in columns.items()}), file)
