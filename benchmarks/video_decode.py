"""Our reading of videos over PyAV alone: figure `video_decode`, at least 0.9.

Both decode every frame of the same files with one thread. PyAV alone throws the frames away; our reader
gives each one's luma and time, and makes sure that none is missing. The videos are those below a folder,
or made here: 224 px, h264, 30 frames/s.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import av
from moving_pictures import make_videos

from fedarm.video.decoding import open_reader
from fedarm.video.folder import find_videos

REPEATS = 5
VIDEOS = 6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, nargs="?", help="videos; by default some are made")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        files = find_videos(args.folder)[0] if args.folder else make_videos(Path(name), VIDEOS)
        assert decode_alone(files) == decode_ours(files)
        ratios, rates = measure(files)
    print(f"pyav_frames_per_s: {rates[0]:.0f}")
    print(f"ours_frames_per_s: {rates[1]:.0f}")
    print(f"video_decode: {statistics.median(ratios):.2f}")


def decode_alone(files: Sequence[Path]) -> int:
    frames = 0
    for file in files:
        with av.open(str(file)) as container:
            stream = container.streams.video[0]
            stream.thread_count = 1
            for _ in container.decode(stream):
                frames += 1
    return frames


def decode_ours(files: Sequence[Path]) -> int:
    frames = 0
    for file in files:
        with open_reader(file) as reader:
            for _ in reader:
                frames += 1
    return frames


def measure(files: Sequence[Path]) -> tuple[list[float], tuple[float, float]]:
    """Alternate the readers, so that a busy machine slows both alike; only their own time counts."""
    ratios = []
    rates = (0.0, 0.0)
    for _ in range(REPEATS):
        rates = (frames_per_s(decode_alone, files), frames_per_s(decode_ours, files))
        ratios.append(rates[1] / rates[0])
    return ratios, rates


def frames_per_s(read: Callable[[Sequence[Path]], int], files: Sequence[Path]) -> float:
    start_s = time.process_time()
    frames = read(files)
    return frames / (time.process_time() - start_s)


if __name__ == "__main__":
    main()
