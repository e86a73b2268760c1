"""Rebuilds a documented defect of the hub: two formats in one revision.

The revisions of `lerobot/svla_so100_stacking` and `lerobot/svla_so100_sorting` hold the tables of format
version 2.1 (`episode_*.parquet`, one an episode) beside those of version 3 (`file-000.parquet`), so
that whoever reads all parquet files reads each row twice
(https://github.com/huggingface/lerobot/issues/1875). Episodes and frames are as many as documented; the
lengths of single episodes and all values are made up, and the pictures are tiny.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from .making import make_dataset

LEGACY_JOINTS = (
    "main_shoulder_pan",
    "main_shoulder_lift",
    "main_elbow_flex",
    "main_wrist_flex",
    "main_wrist_roll",
    "main_gripper",
)


@dataclass(frozen=True)
class Documented:
    """What is documented of a dataset."""

    name: str
    episodes: int
    frames: int


STACKING = Documented("svla_so100_stacking", 56, 22_956)
SORTING = Documented("svla_so100_sorting", 52, 35_713)


def make_doubled(root: Path, documented: Documented) -> None:
    """Write the dataset with the tables of both format versions."""
    lengths = np.full(documented.episodes, documented.frames // documented.episodes)
    # Not all of one length, and together as many as documented.
    lengths[::2] += 3
    lengths[1::2] -= 3
    lengths[0] += documented.frames - lengths.sum()
    make_dataset(
        root,
        lengths.tolist(),
        fps=30,
        cameras=("observation.images.top",),
        episodes_per_file=documented.episodes,
        names=LEGACY_JOINTS,
        tasks=("Put the red lego block on top of the blue lego block.",),
    )
    table = pq.read_table(root / "data/chunk-000/file-000.parquet")
    start = 0
    for episode, length in enumerate(lengths.tolist()):
        file = root / f"data/chunk-000/episode_{episode:06d}.parquet"
        pq.write_table(table.slice(start, length), file)
        start += length
