"""Write the conda environments of the rules from `uv.lock`, so that both install the same files.

Usage: make envs
       python envs/export.py --check      # names the environments that differ from uv.lock, and fails
"""

import argparse
import subprocess
import sys
from pathlib import Path

FOLDER = Path(__file__).resolve().parent

# Without the word `nodefaults`: conda 26.7 looks for a channel of that name.
HEADER = """\
# Generated from uv.lock by `make envs`; do not edit.
channels:
  - conda-forge
dependencies:
  - python=3.12.12
  - pip=25.3
  - pip:
"""

# Environments, each with the dependency group of its name in pyproject.toml.
ENVIRONMENTS = ("training", "video", "statistics")


def environment(group: str) -> str:
    """Return the environment of a dependency group.

    A requirement stands in one line with the hashes of its files: Snakemake makes an environment anew
    when this text changes, and would not see a change of a requirements file that it names.
    """
    return HEADER + "".join(f'      - "{pin}"\n' for pin in pins(group))


def pins(group: str) -> list[str]:
    """Return the locked requirements of a dependency group with markers and hashes, one a line."""
    export = subprocess.run(
        [
            str(FOLDER.parent / ".tools" / "bin" / "uv"),
            *["export", "--locked", "--only-group", group, "--no-emit-project"],
            *["--no-annotate", "--no-header", "--quiet"],
        ],
        cwd=FOLDER.parent,
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    return [" ".join(line.split()) for line in export.stdout.replace("\\\n", " ").splitlines()]


def main() -> None:
    """Write the environments, or compare them with what would be written."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--check", action="store_true", help="write nothing; fail if one differs")
    check = parser.parse_args().check
    for group in ENVIRONMENTS:
        file = FOLDER / f"{group}.yaml"
        wanted = environment(group)
        if file.is_file() and file.read_text(encoding="utf-8") == wanted:
            continue
        if check:
            sys.exit(f"error: {file} differs from uv.lock\n  remedy: make envs")
        file.write_text(wanted, encoding="utf-8")


if __name__ == "__main__":
    main()
