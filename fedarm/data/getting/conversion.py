"""Datasets of format versions 2.0 and 2.1, converted to 3.0 by LeRobot's own converter.

It runs as a process of its own, on a private copy: it works in place, and LeRobot is no import of this
package.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from fedarm.data.getting.v20 import upgrade_v20
from fedarm.data.info import SUPPORTED_VERSION
from fedarm.errors import DataError
from fedarm.logging import get_logger
from fedarm.paths import read_json, write_json

_CONVERTER = "lerobot.scripts.convert_dataset_v21_to_v30"
_STATISTICS = "meta/stats.json"
# Beside these, some revisions hold files of version 3, which the converter would take for episodes.
_EPISODE_FILE = re.compile(r"(data|videos)/.*episode_\d+\.(parquet|mp4)")
_SAID_LINES = 8


def convert_to_v3(root: Path, target: Path, *, version: str) -> None:
    """Convert a dataset of format version 2.0 or 2.1.

    Args:
        root: The dataset; only read.
        target: A folder that does not exist yet; the converted dataset.
        version: The dataset's format version.

    Raises:
        DataError: The converter gives up.
        ResultsError: The metadata is unreadable.
    """
    get_logger(__name__).info(f"converting from {version} to {SUPPORTED_VERSION}")
    _copy_declared(root, target)
    if version == "v2.0":
        upgrade_v20(target)
    intermediate = target.parent / "intermediate"
    done = _run_converter(target, intermediate)
    if done.returncode != 0 or not (target / "meta/episodes").is_dir():
        said = [line for line in done.stderr.splitlines() if line.strip()][-_SAID_LINES:]
        raise DataError(
            f"LeRobot's converter from {version} to {SUPPORTED_VERSION} gave up:\n"
            + "\n".join(f"    {line}" for line in said),
            file=root,
            key="codebase_version",
            value=version,
            remedy="mend the original where the converter says, or take a revision that is whole",
        )
    # It keeps what it converted, and lists features in the order of a set: another in each process.
    shutil.rmtree(target.with_name(f"{target.name}_old"), ignore_errors=True)
    shutil.rmtree(intermediate, ignore_errors=True)
    write_json(target / _STATISTICS, read_json(target / _STATISTICS))


def _run_converter(target: Path, intermediate: Path) -> subprocess.CompletedProcess[str]:
    """Run the converter in place; it leaves its own temporary tables in `intermediate`."""
    return subprocess.run(
        [
            sys.executable,
            "-m",
            _CONVERTER,
            "--repo-id=fedarm/converted",
            f"--root={target.absolute()}",
            "--push-to-hub=false",
        ],
        env={
            **os.environ,
            "HF_HUB_OFFLINE": "1",
            # It would leave its intermediate tables in the user's cache.
            "HF_DATASETS_CACHE": str(intermediate.absolute()),
        },
        capture_output=True,
        text=True,
        check=False,
    )


def _copy_declared(root: Path, target: Path) -> None:
    for file in sorted(path for path in root.rglob("*") if path.is_file()):
        name = file.relative_to(root).as_posix()
        if name.startswith("meta/") or _EPISODE_FILE.fullmatch(name):
            copy = target / name
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, copy)
