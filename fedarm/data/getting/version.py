"""A recorded dataset under its version: got, converted, repaired, and written whole or not at all."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fedarm.config_datasets import HubDataset, LocalDataset
from fedarm.config_hotfixes import RenameCameras
from fedarm.data.getting.conversion import convert_to_v3
from fedarm.data.getting.hub import cache_folder, download, download_info, missing_bytes
from fedarm.data.getting.hub_files import find_repository
from fedarm.data.getting.local import get_local
from fedarm.data.getting.originals import Original, check_metadata
from fedarm.data.getting.space import Need, check_space
from fedarm.data.hotfixes import apply_hotfixes
from fedarm.data.info import INFO_FILE, SUPPORTED_VERSION
from fedarm.data.manifest import write_manifest
from fedarm.errors import DataError, MachineError
from fedarm.logging import get_logger
from fedarm.paths import DatasetPaths, make_folder, write_json

_WORKSPACE = ".getting"
_STEPS = ("original", "converted", "repaired")
_CACHE_SETTING = "HF_HOME"
_RESULTS_SETTING = "results_dir"


def fetch_version(
    section: HubDataset | LocalDataset,
    paths: DatasetPaths,
    *,
    recipe: Mapping[str, Any],
    trained: bool,
) -> None:
    """Write a recorded dataset's version: `dataset/`, `hotfixes.json`, and last its manifest.

    Args:
        section: Where it comes from and what is to be repaired.
        paths: Where to.
        recipe: What the version is the digest of.
        trained: Whether it is trained on, so that episodes must be left beside the held-out ones.

    Raises:
        DataError: It cannot be got, read, converted or repaired, or has too few episodes.
        MachineError: The hub cannot be reached, or a disk is too full.
        ResultsError: The folder cannot be written.
    """
    episodes = section.held_out + trained
    original = _get(section, paths, episodes=episodes)
    workspace = paths.root / _WORKSPACE
    # What a killed job has left.
    shutil.rmtree(workspace, ignore_errors=True)
    make_folder(workspace)
    try:
        repaired, version, hotfixes = _prepare(section, original, workspace, episodes=episodes)
        # The manifest stands for a whole dataset: it goes before the dataset does and comes after it.
        paths.manifest.unlink(missing_ok=True)
        shutil.rmtree(paths.dataset, ignore_errors=True)
        repaired.rename(paths.dataset)
    except OSError as error:
        raise MachineError(
            f"cannot write the dataset: {_reason(error)}",
            file=error.filename or paths.root,
            key="results_dir",
            value=str(paths.root),
            remedy="free some space, or set `results_dir` to a folder that you may write",
        ) from error
    finally:
        shutil.rmtree(workspace, ignore_errors=True)
    write_json(paths.hotfixes, hotfixes)
    origin = {**original.origin, "codebase_version": version}
    write_manifest(paths.manifest, root=paths.dataset, recipe={**recipe, "origin": origin})
    get_logger(__name__).info(f"{paths.root.parent.name}: {len(original.files)} files, {version}")


def _prepare(
    section: HubDataset | LocalDataset, original: Original, workspace: Path, *, episodes: int
) -> tuple[Path, str, dict[str, Any]]:
    """Return the repaired copy, the original's format version, and the account of the repairs."""
    version = _metadata(section, original.root / INFO_FILE, episodes=episodes)
    linked, converted, repaired = (workspace / name for name in _STEPS)
    try:
        original.link_into(linked)
        present = linked
        if version != SUPPORTED_VERSION:
            convert_to_v3(linked, converted, version=version)
            present = converted
        hotfixes = apply_hotfixes(present, repaired, section.hotfixes).to_json()
        check_metadata(repaired / INFO_FILE, episodes=episodes)
    except DataError as error:
        # The workspace is gone when this is read; the original is not.
        message = str(error)
        for step in _STEPS:
            message = message.replace(str(workspace / step), str(original.root))
        raise DataError(message) from None
    return repaired, version, hotfixes


def _get(section: HubDataset | LocalDataset, paths: DatasetPaths, *, episodes: int) -> Original:
    """Return the dataset as it was recorded, once it is sure that there is room for all of it."""
    if isinstance(section, LocalDataset):
        original = get_local(section)
        size = sum((original.root / name).stat().st_size for name in original.files)
        version = _metadata(section, original.root / INFO_FILE, episodes=episodes)
        check_space([_results_need(paths, size, converted=version != SUPPORTED_VERSION)])
        return original
    repository = find_repository(section, records=paths.root.parent.parent)
    cached = Need(cache_folder(), missing_bytes(repository), "the download", _CACHE_SETTING)
    converted = repository.needs_conversion
    check_space([cached, _results_need(paths, repository.total_bytes, converted=converted)])
    # A look at the metadata may save a download of gigabytes.
    _metadata(section, download_info(repository), episodes=episodes)
    return download(repository)


def _metadata(section: HubDataset | LocalDataset, info_file: Path, *, episodes: int) -> str:
    """Return the original's format version, after a check of what no hotfix could mend."""
    renamed = {
        old: new
        for fix in section.hotfixes
        if isinstance(fix, RenameCameras)
        for old, new in fix.cameras.items()
    }
    # A hotfix may mend the totals.
    return check_metadata(info_file, episodes=0 if section.hotfixes else episodes, renamed=renamed)


def _results_need(paths: DatasetPaths, size: int, *, converted: bool) -> Need:
    # The converter has its copy and its result at once, and the result is copied when it is repaired.
    copies = 2 if converted else 1
    return Need(paths.root, size * copies, "the dataset", _RESULTS_SETTING)


def _reason(error: OSError) -> str:
    """Return why writing failed; a copied folder reports a list of (source, target, reason)."""
    if isinstance(error, shutil.Error) and error.args and error.args[0]:
        return str(error.args[0][0][-1])
    return error.strerror or str(error)
