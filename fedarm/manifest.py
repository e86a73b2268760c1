"""The manifest of an experiment: digests of all that it wrote, and what wrote it; and its RO-Crate."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

from fedarm.crate import CRATE, WORKFLOW, build_crate
from fedarm.experiment import Experiment
from fedarm.paths import atomic_dir, read_json, write_json
from fedarm.provenance import digest_file, digest_folder

SCHEMA_VERSION = 1
_PACKAGES = (
    "fedarm",
    "flwr",
    "gymnasium",
    "lerobot",
    "mujoco",
    "numpy",
    "opencv-python-headless",
    "av",
    "scipy",
    "snakemake",
    "so101-nexus",
    "statsmodels",
    "torch",
)


def write_manifest(experiment: Experiment, *, repository: Path) -> None:
    """Write `manifest.json` and `ro-crate-metadata.json` of an experiment, and what its workflow was.

    Args:
        experiment: The experiment, whose stages have all run.
        repository: The checkout of fedarm, for its workflow, its commit and its lock file.

    Raises:
        ResultsError: A dataset's manifest is missing.
    """
    _keep_workflow(repository, (experiment.root / WORKFLOW).parent)
    # What a killed job has left half done (see `fedarm.paths`), and what a file browser leaves.
    hidden = {path.name for path in experiment.root.rglob(".*")}
    left_out = {experiment.manifest.name, CRATE, *hidden}
    manifest = {
        "schema_version": SCHEMA_VERSION,
        "experiment": experiment.config.experiment,
        "files": digest_folder(experiment.root, exclude=left_out),
        "datasets": {name: _dataset_entry(experiment, name) for name in experiment.datasets},
        "code": _code_entry(repository),
        "versions": _versions(),
        "hardware": _hardware(),
    }
    crate = build_crate(manifest, root=experiment.root, ended=datetime.now(UTC))
    write_json(experiment.manifest.with_name(CRATE), crate)
    write_json(experiment.manifest, manifest)


def _keep_workflow(repository: Path, folder: Path) -> None:
    """Copy the Snakefile and its rules: a commit alone does not say what was changed since."""
    with atomic_dir(folder) as temporary:
        shutil.copy(repository / "Snakefile", temporary)
        shutil.copytree(repository / "rules", temporary / "rules")


def _dataset_entry(experiment: Experiment, name: str) -> dict[str, Any]:
    manifest = experiment.dataset_paths(name).manifest
    return {
        "version": experiment.version(name),
        "content_sha256": read_json(manifest)["content_sha256"],
    }


def _code_entry(repository: Path) -> dict[str, str | bool | None]:
    """Return the commit, whether the checkout differs from it, and the digest of the lock file."""
    lock = repository / "uv.lock"
    changes = _git(repository, "status", "--porcelain", "--untracked-files=no")
    return {
        "git_commit": _git(repository, "rev-parse", "HEAD"),
        "git_clean": None if changes is None else changes == "",
        "lock_sha256": digest_file(lock) if lock.is_file() else None,
    }


def _git(repository: Path, *arguments: str) -> str | None:
    """Return what git prints, or None where there is no git or no repository."""
    try:
        answer = subprocess.run(
            ["git", *arguments], cwd=repository, capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        return None
    return answer.stdout.strip()


def _versions() -> dict[str, str]:
    installed = {d.metadata["Name"].lower(): d.version for d in metadata.distributions()}
    found = {name: installed[name] for name in _PACKAGES if name in installed}
    return {"python": platform.python_version(), **found}


def _hardware() -> dict[str, str | int | None]:
    return {
        "machine": platform.machine(),
        "system": f"{platform.system()} {platform.release()}",
        "processor": _processor(),
        "cores": os.cpu_count(),
    }


def _processor() -> str:
    """Return the processor's name; Linux knows it better than Python does."""
    information = Path("/proc/cpuinfo")
    if information.is_file():
        for line in information.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor()
