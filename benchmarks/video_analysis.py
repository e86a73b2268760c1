"""Time of our analysis of videos against the usual reader of flow, and whether they rank alike.

Figures: `video_analysis`, at least 12 (times faster), and `spearman`, at least 0.95: rank correlation of
smoothness (SPARC of the speed profile). The usual reader is `cv2.VideoCapture` with Farneback's flow at
full resolution and OpenCV's own example settings, averaged over the pixels. Ours does all that `fedarm
video analyze` does. Each runs on one thread, and both rank the frames of the episode alone.

The videos are those below a folder, an experiment's results for example, or made here.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from moving_pictures import make_videos
from numpy.typing import NDArray
from scipy.stats import spearmanr

from fedarm.video.analysis import analyze_videos
from fedarm.video.folder import find_videos
from fedarm.video.records import read_record
from fedarm.video.smoothness import sparc

VIDEOS = 48


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, nargs="?", help="videos; by default some are made")
    parser.add_argument("--every", type=int, default=1, help="take one video in so many")
    args = parser.parse_args()
    cv2.setNumThreads(1)
    with tempfile.TemporaryDirectory() as name:
        files = find_videos(args.folder)[0] if args.folder else make_videos(Path(name), VIDEOS)
        figures = measure(files[:: args.every])
    for label, value in figures.items():
        print(f"{label}: {value:.3f}")


def measure(files: Sequence[Path]) -> dict[str, float]:
    """Read video by video with the one and the other, so that a busy machine slows both alike."""
    ratios, usual, ours = [], [], []
    for file in files:
        start_s = time.process_time()
        rate_hz, speed = farneback_speed(file)
        middle_s = time.process_time()
        (video,) = analyze_videos([file])["videos"]
        ratios.append((middle_s - start_s) / (time.process_time() - middle_s))
        smoothness = sparc(speed[: episode_pairs(file, rate_hz)], rate_hz)
        if smoothness is not None and video["smoothness_sparc"] is not None:
            usual.append(smoothness)
            ours.append(video["smoothness_sparc"])
    return {
        "videos": len(files),
        "video_analysis": statistics.median(ratios),
        "spearman": float(spearmanr(usual, ours).statistic),
    }


def farneback_speed(file: Path) -> tuple[float, NDArray[np.float64]]:
    """Return frames a second and the speed profile `(pair,)`, px a frame."""
    capture = cv2.VideoCapture(str(file))
    rate_hz = capture.get(cv2.CAP_PROP_FPS)
    speeds, before = [], None
    while True:
        read, frame = capture.read()
        if not read:
            break
        gray = cv2.cvtColor(frame, cv2.COLOR_BGR2GRAY)
        if before is not None:
            flow = cv2.calcOpticalFlowFarneback(before, gray, None, 0.5, 3, 15, 3, 5, 1.2, 0)
            length, _ = cv2.cartToPolar(flow[..., 0], flow[..., 1])
            speeds.append(float(length.mean()))
        before = gray
    capture.release()
    return rate_hz, np.array(speeds)


def episode_pairs(file: Path, rate_hz: float) -> int | None:
    """Return how many pairs of frames show the episode; all of them where nothing says so."""
    duration_s = read_record(file).number("duration_s")
    return None if duration_s is None else round(duration_s * rate_hz) - 1


if __name__ == "__main__":
    main()
