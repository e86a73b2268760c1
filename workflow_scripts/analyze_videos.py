"""Read the rollout videos of a run back and measure them."""

import argparse
from pathlib import Path

from fedarm.logging import run_script
from fedarm.paths import read_json, write_json
from fedarm.video.analysis import analyze_folder


def main() -> None:
    """Parse the arguments, analyze, and write the measurements."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--videos", type=Path, required=True, help="the list of a run's videos")
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    listed = read_json(args.videos)["videos"]
    files = [args.videos.parent / entry["file"] for entry in listed]
    write_json(args.out, analyze_folder(files, root=args.videos.parent))


if __name__ == "__main__":
    run_script(main)
