"""Writes a dataset as LeRobot did before version 3: a table and a video an episode."""

from __future__ import annotations

import json
from pathlib import Path

import av
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

FPS = 10
CAMERA = "observation.images.top"
JOINTS = ["shoulder_pan.pos", "gripper.pos"]
LENGTHS = (6, 4, 5)


def write_legacy(root: Path) -> None:
    """Write a version 2.0 dataset."""
    vector = {"dtype": "float32", "shape": [2], "names": JOINTS}
    scalar = {"shape": [1], "names": None}
    camera = {"dtype": "video", "shape": [32, 32, 3], "names": ["height", "width", "channels"]}
    info = {
        "codebase_version": "v2.0",
        "robot_type": "so100",
        "total_episodes": len(LENGTHS),
        "total_frames": sum(LENGTHS),
        "total_tasks": 1,
        "total_videos": len(LENGTHS),
        "total_chunks": 1,
        "chunks_size": 1000,
        "fps": FPS,
        "splits": {"train": f"0:{len(LENGTHS)}"},
        "data_path": "data/chunk-{episode_chunk:03d}/episode_{episode_index:06d}.parquet",
        "video_path": "videos/chunk-{episode_chunk:03d}/{video_key}/episode_{episode_index:06d}.mp4",
        "features": {
            "action": vector,
            "observation.state": vector,
            CAMERA: {**camera, "info": {"video.fps": FPS}},
            "timestamp": {"dtype": "float32", **scalar},
            **{
                name: {"dtype": "int64", **scalar}
                for name in ("frame_index", "episode_index", "index", "task_index")
            },
        },
    }
    meta = root / "meta"
    meta.mkdir(parents=True)
    (meta / "info.json").write_text(json.dumps(info))
    (meta / "stats.json").write_text("{}")
    _write_lines(meta / "tasks.jsonl", [{"task_index": 0, "task": "lift the cube"}])
    _write_lines(
        meta / "episodes.jsonl",
        [
            {"episode_index": i, "tasks": ["lift the cube"], "length": length}
            for i, length in enumerate(LENGTHS)
        ],
    )
    first = 0
    for episode, length in enumerate(LENGTHS):
        _write_rows(
            root / info["data_path"].format(episode_chunk=0, episode_index=episode), episode, first
        )
        place = {"episode_chunk": 0, "episode_index": episode, "video_key": CAMERA}
        _write_video(root / info["video_path"].format(**place), length)
        first += length


def states(episode: int) -> np.ndarray:
    """Return an episode's states `(frame, joint)`."""
    frames = np.arange(LENGTHS[episode], dtype=np.float32)
    return np.stack([frames + 10 * episode, np.full_like(frames, episode)], axis=1)


def _write_rows(file: Path, episode: int, first: int) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    frames = np.arange(LENGTHS[episode])
    vectors = pa.array(states(episode).tolist(), type=pa.list_(pa.float32()))
    table = pa.table(
        {
            "action": vectors,
            "observation.state": vectors,
            "timestamp": pa.array(frames / FPS, type=pa.float32()),
            "frame_index": pa.array(frames),
            "episode_index": pa.array(np.full_like(frames, episode)),
            "index": pa.array(frames + first),
            "task_index": pa.array(np.zeros_like(frames)),
        }
    )
    pq.write_table(table, file)


def _write_video(file: Path, length: int) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(file), "w") as container:
        stream = container.add_stream(
            "h264", rate=FPS, options={"crf": "18", "preset": "ultrafast"}
        )
        stream.width = stream.height = 32
        stream.pix_fmt = "yuv420p"
        for index in range(length):
            picture = np.full((32, 32, 3), 40 + 30 * index, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode())


def _write_lines(file: Path, rows: list[dict[str, object]]) -> None:
    file.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
