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
        for index in range(length):
            dataset.add_frame({**_frame(rng, index), "task": task})
        dataset.save_episode(parallel_encoding=False)
    dataset.finalize()


def _frame(rng: np.random.Generator, index: int) -> dict[str, np.ndarray]:
    front = np.full((64, 64, 3), (60, 70, 80), np.uint8)
    front[20:32, 4 * index : 4 * index + 12] = rng.integers(0, 255, 3)
    return {
        FRONT: front,
        WRIST: rng.integers(0, 255, (64, 64, 3), dtype=np.uint8),
        "observation.state": rng.normal(scale=30, size=len(JOINTS)).astype(np.float32),
        "action": rng.normal(scale=30, size=len(JOINTS)).astype(np.float32),
    }
