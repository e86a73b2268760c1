"""Frames a second of the full check, over those of PyAV alone: figure `data_checks_speed`, at least 0.8.

Both decode every frame of the same files on all cores; the check also measures each picture, reads the
tables and runs every check on them. PyAV alone decodes to its own planes and touches no pixel. They take
turns, so that a busy machine slows both. The dataset is the lab's, at 480 pixels as arms are recorded,
made large by several files of many episodes; it stays in the page cache.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import av
from defects.corpus import Recipe, clean_datasets
from defects.enlarge import enlarge

from fedarm.data.checks import run_checks

REPEATS = 7
FILES = 12
RECIPE = Recipe(("pickplace",), 12, image_size=480)
ROOT = Path(__file__).resolve().parents[1]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=REPEATS)
    args = parser.parse_args()
    cache = ROOT / "results" / "benchmarks" / "data_checks"
    clean = clean_datasets(cache, {"speed": RECIPE})["speed"]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "dataset"
        shutil.copytree(clean, folder)
        enlarge(folder, FILES)
        videos = sorted(folder.rglob("*.mp4"))
        frames = decode_all(videos)
        check_all(folder)
        pairs = [
            (seconds(decode_all, videos), seconds(check_all, folder)) for _ in range(args.repeats)
        ]
    print(f"frames: {frames}")
    print(f"decode_frames_per_s: {frames / statistics.median(plain for plain, _ in pairs):.0f}")
    print(f"check_frames_per_s: {frames / statistics.median(full for _, full in pairs):.0f}")
    ratios = [plain / full for plain, full in pairs]
    print(f"data_checks_speed_range: {min(ratios):.3f} to {max(ratios):.3f}")
    print(f"data_checks_speed: {statistics.median(ratios):.3f}")


def decode_all(videos: list[Path]) -> int:
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return sum(pool.map(decode, videos))


def decode(video: Path) -> int:
    # One thread a file: FFmpeg lets go of the interpreter's lock, and files are what there is enough of.
    with av.open(str(video)) as container:
        container.streams.video[0].thread_count = 1
        return sum(1 for _ in container.decode(video=0))


def check_all(folder: Path) -> None:
    report = run_checks(folder)
    assert report.passed, report.to_json()["findings"][:3]


def seconds(work, subject) -> float:
    start_s = time.perf_counter()
    work(subject)
    return time.perf_counter() - start_s


if __name__ == "__main__":
    main()
