"""Records a small dataset with LeRobot's own writer: two cameras, two tasks, several video files."""

from __future__ import annotations

from pathlib import Path

import numpy as np

FPS = 10
LENGTHS = (9, 12, 7, 10)
TASKS = ("put the cube down", "stack the cubes", "put the cube down", "stack the cubes")
JOINTS = (
    "shoulder_pan.pos",
    "shoulder_lift.pos",
    "elbow_flex.pos",
    "wrist_flex.pos",
    "wrist_roll.pos",
    "gripper.pos",
)
FRONT = "observation.images.front"
WRIST = "observation.images.wrist"
DATA_FILE = "data/chunk-000/file-000.parquet"


def record(root: Path) -> None:
    import torch
    from lerobot.configs.video import RGBEncoderConfig
    from lerobot.datasets.lerobot_dataset import LeRobotDataset

    torch.set_num_threads(1)
    image = {"dtype": "video", "names": ["height", "width", "channels"]}
    vector = {"dtype": "float32", "shape": (len(JOINTS),), "names": list(JOINTS)}
    dataset = LeRobotDataset.create(
        "fedarm/test",
        FPS,
        {
            FRONT: {**image, "shape": (64, 64, 3)},
            WRIST: {**image, "shape": (64, 64, 3)},
            "observation.state": vector,
            "action": vector,
        },
        root=root,
        robot_type="so101_follower",
        rgb_encoder=RGBEncoderConfig(vcodec="h264", crf=18, preset="ultrafast", g=2),
        streaming_encoding=True,
    )
    # 64 kB a file, so that the wrist camera's noise fills more than one.
    dataset.meta.info.video_files_size_in_mb = 1 / 16
    rng = np.random.default_rng(0)
    for length, task in zip(LENGTHS, TASKS, strict=True):
        course = _course(rng, length + 1)
        # Far brighter than the floor: at its brightness, the picture would be flat.
        colour = rng.integers(170, 255, 3)
        for index in range(length):
            frame = _frame(rng, index, colour)
            # The arm reaches in one frame what it is told in the one before.
            joints = {"observation.state": course[index], "action": course[index + 1]}
            dataset.add_frame({**frame, **joints, "task": task})
        dataset.save_episode(parallel_encoding=False)
    dataset.finalize()


def _course(rng: np.random.Generator, frames: int) -> np.ndarray:
    """Return a smooth course of the joints, `(frame, joint)`."""
    begin, end = rng.normal(scale=30, size=(2, len(JOINTS)))
    begin[-1], end[-1] = 10, 60
    share = (1 - np.cos(np.linspace(0.2, 1, frames) * np.pi))[:, None] / 2
    return (begin + (end - begin) * share).astype(np.float32)


def _frame(rng: np.random.Generator, index: int, colour: np.ndarray) -> dict[str, np.ndarray]:
    front = np.full((64, 64, 3), (60, 70, 80), np.uint8)
    front[20:32, 4 * index : 4 * index + 12] = colour
    return {FRONT: front, WRIST: rng.integers(0, 255, (64, 64, 3), dtype=np.uint8)}
