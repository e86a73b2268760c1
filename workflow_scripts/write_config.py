"""Write the resolved configuration: every default filled in, for the jobs and for the reader."""

import argparse
import json
from pathlib import Path

import yaml

from fedarm.logging import run_script
from fedarm.paths import write_atomic


def main() -> None:
    """Parse the arguments and write the file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", required=True, help="the validated configuration as JSON")
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    write_atomic(args.out, yaml.safe_dump(json.loads(args.json), sort_keys=False))


if __name__ == "__main__":
    run_script(main)
