"""Time of a run that has nothing to do, over that of an empty Snakefile: figure `noop`, at most 1.5.

Whoever edits a margin waits for the workflow to find out what is stale. Both sides start a fresh
Snakemake; ours also reads the configuration, digests the code of every rule and compares every input.
Needs a finished experiment: by default that of config.yaml, or `--configfile configs/smoke.yaml`.
"""

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

REPEATS = 5
EMPTY = 'rule all:\n    output: "done"\n    shell: "touch {output}"\n'


def seconds(command: list[str], folder: Path) -> float:
    start_s = time.perf_counter()
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    return time.perf_counter() - start_s


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--configfile", default="config.yaml")
    args = parser.parse_args()
    repository = Path(__file__).resolve().parents[1]
    snakemake = [str(Path(sys.executable).parent / "snakemake"), "--cores", "1"]
    ours = [*snakemake, "--configfile", args.configfile]
    dry = subprocess.run([*ours, "-n"], cwd=repository, check=True, capture_output=True, text=True)
    if "Nothing to be done" not in dry.stdout + dry.stderr:
        raise SystemExit(f"run the experiment first: snakemake --configfile {args.configfile}")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "Snakefile").write_text(EMPTY)
        seconds(snakemake, folder)
        pairs = [(seconds(ours, repository), seconds(snakemake, folder)) for _ in range(REPEATS)]
    ratios = sorted(mine / empty for mine, empty in pairs)
    print(f"ours_s: {statistics.median(mine for mine, _ in pairs):.2f}")
    print(f"empty_s: {statistics.median(empty for _, empty in pairs):.2f}")
    print(f"noop: {statistics.median(ratios):.3f}")


if __name__ == "__main__":
    main()
