"""The files of a repository, with the digests that they are compared with."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

from fedarm.config_datasets import HubDataset
from fedarm.data.getting.failures import ask_hub, not_cached
from fedarm.data.getting.revisions import pinned_commit
from fedarm.data.info import INFO_FILE
from fedarm.errors import DataError
from fedarm.local_datasets import DATASET_FOLDERS

_HASH_CHUNK_BYTES = 1 << 20
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class HubFile:
    """A file as the repository lists it.

    Attributes:
        path: Posix path in the repository.
        size: Bytes.
        algorithm: `sha256` of a large file, `git` (the sha1 of a git blob) of a small one.
        digest: Its digest, hexadecimal.
    """

    path: str
    size: int
    algorithm: str
    digest: str

    def matches(self, file: Path) -> bool:
        """Return whether a file has the listed bytes."""
        if file.stat().st_size != self.size:
            return False
        if self.algorithm == "sha256":
            sha = hashlib.sha256()
        else:
            sha = hashlib.sha1(f"blob {self.size}\0".encode(), usedforsecurity=False)
        with file.open("rb") as stream:
            while chunk := stream.read(_HASH_CHUNK_BYTES):
                sha.update(chunk)
        return sha.hexdigest() == self.digest


@dataclass(frozen=True)
class Repository:
    """A dataset's repository at one commit.

    Attributes:
        repo_id: `owner/name`.
        revision: The revision as the configuration has it.
        commit: The commit that it stands for.
        files: The dataset's files, by path; others of the repository are left out.
    """

    repo_id: str
    revision: str
    commit: str
    files: tuple[HubFile, ...]

    @property
    def needs_conversion(self) -> bool:
        """Whether it is laid out as before version 3: its episodes are listed in one JSON file."""
        paths = {file.path for file in self.files}
        return not any(path.startswith("meta/episodes/") for path in paths)

    @property
    def total_bytes(self) -> int:
        """Bytes of all its files."""
        return sum(file.size for file in self.files)


def find_repository(section: HubDataset, *, records: Path) -> Repository:
    """Return a repository's commit and files; nothing is downloaded but its listing.

    Args:
        section: Which repository.
        records: Where it is recorded which commit a branch was.

    Raises:
        DataError: No such repository or revision, no right to read it, or not a dataset.
        MachineError: The hub cannot be reached.
        ResultsError: The commit cannot be recorded.
    """
    repo_id, revision = section.repo_id, section.revision
    commit = pinned_commit(
        records,
        repo_id=repo_id,
        revision=revision,
        resolve=lambda: ask_hub(
            lambda: _resolve(repo_id, revision), repo_id=repo_id, revision=revision
        ),
    )
    listed = ask_hub(lambda: _list(repo_id, commit), repo_id=repo_id, revision=revision)
    files = tuple(
        sorted(
            (file for file in listed if file.path.split("/")[0] in DATASET_FOLDERS),
            key=lambda file: file.path,
        )
    )
    if INFO_FILE not in {file.path for file in files}:
        raise DataError(
            "the repository holds no LeRobot dataset: it has no meta/info.json",
            file=f"{repo_id}@{commit}",
            key="repo_id",
            value=repo_id,
            remedy="take a repository that was pushed by LeRobot",
        )
    return Repository(repo_id=repo_id, revision=revision, commit=commit, files=files)


def _resolve(repo_id: str, revision: str) -> str:
    """Return the commit that a revision is: on the hub, or offline when it was last downloaded."""
    from huggingface_hub import HfApi, constants, snapshot_download

    if constants.is_offline_mode():
        snapshot = snapshot_download(
            repo_id, repo_type="dataset", revision=revision, allow_patterns=[INFO_FILE]
        )
        return Path(snapshot).name
    return str(HfApi().dataset_info(repo_id, revision=revision).sha)


def _list(repo_id: str, commit: str) -> list[HubFile]:
    from huggingface_hub import HfApi, RepoFile, constants

    if constants.is_offline_mode():
        return _list_cached(repo_id, commit)
    tree = HfApi().list_repo_tree(repo_id, repo_type="dataset", revision=commit, recursive=True)
    return [
        HubFile(entry.path, entry.size, "git", entry.blob_id)
        if entry.lfs is None
        else HubFile(entry.path, entry.lfs.size, "sha256", entry.lfs.sha256)
        for entry in tree
        if isinstance(entry, RepoFile)
    ]


def _list_cached(repo_id: str, commit: str) -> list[HubFile]:
    """Return the files as the cache lists them: without the listing nobody knows whether it has all.

    The cached listing does not say which files are large and have a sha256; but the cache names a file's
    bytes by the digest that the hub gave for it.
    """
    from huggingface_hub import get_cached_repo_tree, try_to_load_from_cache
    from huggingface_hub.errors import CachedRepoTreeNotFoundError

    try:
        tree = get_cached_repo_tree(repo_id, repo_type="dataset", revision=commit)
    except CachedRepoTreeNotFoundError:
        raise not_cached(repo_id) from None
    listed = []
    for entry in tree:
        cached = try_to_load_from_cache(repo_id, entry.path, revision=commit, repo_type="dataset")
        name = Path(cached).resolve().name if isinstance(cached, str) else ""
        large = _SHA256.fullmatch(name) is not None
        listed.append(
            HubFile(entry.path, entry.size, "sha256", name)
            if large
            else HubFile(entry.path, entry.size, "git", entry.blob_id)
        )
    return listed
