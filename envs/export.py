"""Write the conda environment of the rules from `uv.lock`, so that both install the same versions.

Usage: make envs
"""

import subprocess
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
HEADER = """\
# Generated from uv.lock by `make envs`; do not edit.
name: fedarm
channels:
  - conda-forge
  - nodefaults
dependencies:
  - python=3.12
  - pip
  - pip:
"""


def pins() -> list[str]:
    """Return the locked requirements of the package, one a line, with their markers."""
    export = subprocess.run(
        [
            str(FOLDER.parent / ".tools" / "bin" / "uv"),
            *["export", "--frozen", "--no-default-groups", "--no-emit-project", "--no-hashes"],
            *["--no-annotate", "--no-header"],
        ],
        cwd=FOLDER.parent,
        check=True,
        capture_output=True,
        text=True,
    )
    return [line for line in export.stdout.splitlines() if line and not line.startswith("#")]


if __name__ == "__main__":
    lines = [f'      - "{pin}"' for pin in pins()]
    (FOLDER / "fedarm.yaml").write_text(HEADER + "\n".join(lines) + "\n", encoding="utf-8")
