"""Put filmed rollouts side by side: the arms, and an arm's rounds."""

import argparse
from pathlib import Path

from fedarm.evaluation_jobs import reels
from fedarm.experiment import load_experiment
from fedarm.logging import run_script


def main() -> None:
    """Parse the arguments and make the videos."""
    from fedarm.rollout.reels import make_reels

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--config", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True, help="folder; replaced as a whole")
    args = parser.parse_args()
    make_reels(reels(load_experiment(args.config)), args.out)


if __name__ == "__main__":
    run_script(main)
