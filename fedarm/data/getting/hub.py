"""Datasets on the hub, downloaded through its own client and compared with their digests.

The client honours HF_HOME, HF_ENDPOINT, HF_TOKEN and HF_HUB_OFFLINE, and keeps what it downloads in its
cache: there, a file is whole or absent. A killed download goes on with the files that are not there yet;
of those that a killed process was in the midst of, the client (since its version 1) keeps nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

from fedarm.data.getting.failures import ask_hub
from fedarm.data.getting.hub_files import HubFile, Repository
from fedarm.data.getting.originals import Original
from fedarm.data.getting.transfer import Transfer
from fedarm.data.info import INFO_FILE
from fedarm.errors import DataError
from fedarm.logging import Progress, get_logger

PARALLEL_DOWNLOADS = 8
_MEGABYTE = 1_000_000


def cache_folder() -> Path:
    """Return the folder of the client's cache."""
    from huggingface_hub import constants

    return Path(constants.HF_HUB_CACHE)


def missing_bytes(repository: Repository) -> int:
    """Return the bytes of those files of a repository that are not in the cache."""
    return sum(file.size for file in repository.files if _cached(repository, file) is None)


def download_info(repository: Repository) -> Path:
    """Return the dataset's `meta/info.json`, downloaded before anything else.

    Raises:
        DataError: It may not be read, or its digest is wrong.
        MachineError: The hub cannot be reached, or the disk is full.
    """
    from huggingface_hub import snapshot_download
    from huggingface_hub.utils.tqdm import disable_progress_bars

    # Progress goes to the log, in lines of its own.
    disable_progress_bars()
    # Unlike the download of a file, this leaves the listing in the cache, to be used offline.
    ask_hub(
        lambda: snapshot_download(
            repository.repo_id,
            repo_type="dataset",
            revision=repository.commit,
            allow_patterns=[INFO_FILE],
        ),
        repo_id=repository.repo_id,
        revision=repository.revision,
    )
    info = next(file for file in repository.files if file.path == INFO_FILE)
    return _download(repository, info, bar_class=None)


def download(repository: Repository) -> Original:
    """Download what is not in the cache, several files at a time, and compare all with their digests.

    Raises:
        DataError: A file may not be read, or its digest is wrong twice.
        MachineError: The hub cannot be reached, or the disk is full.
    """
    missing = missing_bytes(repository)
    total = repository.total_bytes
    get_logger(__name__).info(
        f"{repository.repo_id}: {len(repository.files)} files, {total / _MEGABYTE:.1f} MB,"
        f" {missing / _MEGABYTE:.1f} MB of them to download"
    )
    with Progress(
        total // _MEGABYTE,
        label=f"downloading {repository.repo_id}",
        unit="MB",
        done=(total - missing) // _MEGABYTE,
    ) as progress:
        _download_all(repository, repository.files, Transfer(progress).bar_class())
    info = _cached(repository, next(f for f in repository.files if f.path == INFO_FILE))
    assert info is not None
    return Original(
        root=info.parents[len(Path(INFO_FILE).parts) - 1],
        files=tuple(file.path for file in repository.files),
        origin={"repo_id": repository.repo_id, "commit": repository.commit},
    )


def _download_all(repository: Repository, files: Sequence[HubFile], bar_class: type) -> None:
    with ThreadPoolExecutor(PARALLEL_DOWNLOADS) as pool:
        tasks = [pool.submit(_download, repository, file, bar_class=bar_class) for file in files]
        try:
            for task in as_completed(tasks):
                task.result()
        except BaseException:
            # What is not begun is not begun any more; what is under way ends by itself.
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _download(repository: Repository, file: HubFile, *, bar_class: type | None) -> Path:
    """Return a file of the repository in the cache, with the bytes that the repository lists."""
    from huggingface_hub import constants

    path = _ask_for(repository, file, bar_class=bar_class)
    if file.matches(path):
        return path
    if constants.is_offline_mode():
        raise _wrong_digest(repository, file, "run once with a network (unset HF_HUB_OFFLINE)")
    get_logger(__name__).warning(
        f"{repository.repo_id}: {file.path} has another digest than listed, downloading it again"
    )
    # Once it is gone from the cache, the client has to ask for it again.
    _forget(path)
    path = _ask_for(repository, file, bar_class=bar_class)
    if file.matches(path):
        return path
    _forget(path)
    raise _wrong_digest(
        repository,
        file,
        "try again; if it stays so, something between here and the hub changes files: check the proxy or"
        " mirror (HF_ENDPOINT)",
    )


def _wrong_digest(repository: Repository, file: HubFile, remedy: str) -> DataError:
    return DataError(
        "a downloaded file has another digest than the repository lists",
        file=f"{repository.repo_id}@{repository.commit}: {file.path}",
        key=f"{file.algorithm} digest",
        value=file.digest,
        remedy=remedy,
    )


def _ask_for(repository: Repository, file: HubFile, *, bar_class: type | None) -> Path:
    from huggingface_hub import hf_hub_download

    return ask_hub(
        lambda: Path(
            hf_hub_download(
                repository.repo_id,
                file.path,
                repo_type="dataset",
                revision=repository.commit,
                tqdm_class=bar_class,
            )
        ),
        repo_id=repository.repo_id,
        revision=repository.revision,
    )


def _cached(repository: Repository, file: HubFile) -> Path | None:
    from huggingface_hub import try_to_load_from_cache

    found = try_to_load_from_cache(
        repository.repo_id, file.path, revision=repository.commit, repo_type="dataset"
    )
    return Path(found) if isinstance(found, str) else None


def _forget(path: Path) -> None:
    """Remove a file from the cache, both its name in the snapshot and its bytes."""
    path.resolve().unlink(missing_ok=True)
    path.unlink(missing_ok=True)
