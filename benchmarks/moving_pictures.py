"""Videos of something that moves, more or less smoothly, for the benchmarks of `fedarm.video`."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from fedarm.rollout.recording import VIDEO_FPS, open_video

SIZE = 224
SECONDS = 4
# Submovements that a reach is made of: the more, the less smooth.
MOST_SUBMOVEMENTS = 6


def make_videos(folder: Path, count: int) -> list[Path]:
    """Write videos of a textured block that goes from point to point, each differently jerky."""
    files = []
    for number in range(count):
        file = folder / f"reach_{number:03d}.mp4"
        rng = np.random.default_rng(number)
        floor = texture(rng, SIZE, 14)
        block = texture(rng, SIZE // 4, 5)
        with open_video(file, size=SIZE) as writer:
            for x, y in path(rng):
                matrix = np.array([[1, 0, x], [0, 1, y]], np.float32)
                frame = floor.copy()
                border = cv2.BORDER_TRANSPARENT
                cv2.warpAffine(block, matrix, (SIZE, SIZE), frame, cv2.INTER_LINEAR, border)
                writer.write(frame)
        files.append(file)
    return files


def path(rng: np.random.Generator) -> NDArray[np.float64]:
    """Return `(frame, xy)`: minimum-jerk submovements between random points, of random lengths."""
    submovements = int(rng.integers(1, MOST_SUBMOVEMENTS + 1))
    corners = rng.uniform(0, 0.7 * SIZE, (submovements + 1, 2))
    lengths = rng.dirichlet(np.full(submovements, 4.0))
    ends = np.r_[0, np.cumsum(lengths)]
    t = np.linspace(0, 1, SECONDS * VIDEO_FPS)
    index = np.clip(np.searchsorted(ends, t, side="right") - 1, 0, submovements - 1)
    part = np.clip((t - ends[index]) / lengths[index], 0, 1)[:, None]
    share = 10 * part**3 - 15 * part**4 + 6 * part**5
    return corners[index] + share * (corners[index + 1] - corners[index])


def texture(rng: np.random.Generator, size: int, cells: int) -> NDArray[np.uint8]:
    coarse = rng.integers(40, 220, (cells, cells, 3), dtype=np.uint8)
    return np.asarray(cv2.resize(coarse, (size, size), interpolation=cv2.INTER_CUBIC), np.uint8)
