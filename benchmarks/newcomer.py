"""Minutes from a clean clone to the first verdict and to green tests, as a newcomer meets them.

The last commit is cloned into an empty folder. The commands run there in an environment without the
variables of an active Python, conda or fedarm, with an empty home folder and empty caches of packages,
so that the time of the downloads is in it; with `--warm` the caches are this user's. Each way has a
clone of its own and begins with the installation. Figures: `verdict_minutes` (`make run`) and
`tests_minutes` (`make test`), by the clock; `--way` measures one of them, `--keep` leaves the clones
with what was made in them. What a command prints is shown when it fails.
"""

from __future__ import annotations

import argparse
import datetime
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
WAYS = {"verdict": "run", "tests": "test"}
# What a shell, and make, may have set for other work: a newcomer's has not.
FOREIGN = ("CONDA_", "FLWR_", "HF_", "MUJOCO_", "PYTEST_", "PYTHON", "SNAKEMAKE_", "VIRTUAL_ENV")
FOREIGN += ("ARGS", "MAKE", "MFLAGS", "NAME")
LAST_LINES = 40


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--way", choices=[*WAYS], help="by default both, one after the other")
    parser.add_argument("--warm", action="store_true", help="with this user's caches of packages")
    parser.add_argument("--keep", type=Path, help="a new folder for the clones, which stay")
    args = parser.parse_args()
    if args.keep:
        args.keep.mkdir(parents=True)
    commit = _git("rev-parse", "--short", "HEAD")
    if _git("status", "--porcelain"):
        print("what is not committed is not in the clone", file=sys.stderr)
    print(f"commit {commit}, {datetime.date.today()}, {os.cpu_count()} cores")
    for way in [args.way] if args.way else WAYS:
        keep = args.keep.absolute() / way if args.keep else None
        print(f"{way}_minutes: {minutes(WAYS[way], warm=args.warm, keep=keep):.1f}", flush=True)


def minutes(target: str, *, warm: bool, keep: Path | None = None) -> float:
    """Return how long cloning the last commit and making a target in it takes.

    Args:
        target: What is made.
        warm: Whether with this user's caches of packages.
        keep: Where the clone goes, and stays; None for a temporary one.
    """
    with tempfile.TemporaryDirectory(prefix="newcomer-") as folder:
        clone = keep or Path(folder) / "fedarm"
        environment = clean_environment(os.environ, home=None if warm else Path(folder) / "home")
        start_s = time.perf_counter()
        subprocess.run(["git", "clone", "--quiet", REPOSITORY.as_uri(), clone], check=True)
        answer = subprocess.run(
            ["make", target],
            cwd=clone,
            env=environment,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        taken_s = time.perf_counter() - start_s
    if answer.returncode:
        print(*answer.stdout.splitlines()[-LAST_LINES:], sep="\n", file=sys.stderr)
        raise SystemExit(f"make {target} failed after {taken_s / 60:.1f} minutes")
    return taken_s / 60


def clean_environment(variables: Mapping[str, str], *, home: Path | None) -> dict[str, str]:
    """Return the environment of a shell in which nothing has been set up.

    Args:
        variables: Those of this process.
        home: A home folder to make, with empty caches; or None to keep this user's.
    """
    kept = {name: value for name, value in variables.items() if not name.startswith(FOREIGN)}
    if sys.prefix != sys.base_prefix:
        # `uv run` puts its environment first: a newcomer has none.
        own = str(Path(sys.prefix) / "bin")
        kept["PATH"] = os.pathsep.join(
            folder for folder in kept["PATH"].split(os.pathsep) if folder != own
        )
    if home is not None:
        home.mkdir()
        caches = {"UV_CACHE_DIR": ".cache/uv", "PIP_CACHE_DIR": ".cache/pip"}
        kept |= {"HOME": str(home), "XDG_CACHE_HOME": str(home / ".cache")}
        kept |= {name: str(home / path) for name, path in caches.items()}
    return kept


def _git(*arguments: str) -> str:
    command = ["git", *arguments]
    answer = subprocess.run(command, cwd=REPOSITORY, check=True, capture_output=True, text=True)
    return answer.stdout.strip()


if __name__ == "__main__":
    main()
