"""Read the rollout videos of some runs back and measure them."""

import argparse
from pathlib import Path

from fedarm.logging import run_script
from fedarm.paths import read_json
from fedarm.video.analysis import analyze_videos
from fedarm.video.tables import write_analysis


def main() -> None:
    """Parse the arguments, analyze, and write the measurements."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--videos", type=Path, nargs="+", required=True, help="a run's list each")
    parser.add_argument("--out", type=Path, nargs="+", required=True, help="one for each list")
    args = parser.parse_args()
    for videos, out in zip(args.videos, args.out, strict=True):
        files = [videos.parent / entry["file"] for entry in read_json(videos)["videos"]]
        write_analysis(out, analyze_videos(files, root=videos.parent))


if __name__ == "__main__":
    run_script(main)
