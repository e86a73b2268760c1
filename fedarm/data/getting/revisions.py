"""Which commit a branch or tag was when it was first asked for.

results/datasets/<owner>--<name>@<revision>.json, one file a repository and revision

It lies beside the datasets and not in one version's folder, so that another hotfix or another client of
the same repository gets the same commit. Delete the file to move on to the branch's present commit.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

from fedarm.errors import DataError
from fedarm.paths import make_folder, read_json, write_json

SCHEMA_VERSION = 1
_COMMIT = re.compile(r"[0-9a-f]{40}")


def is_commit(revision: str) -> bool:
    """Return whether a revision is a whole commit, which never changes what it names."""
    return _COMMIT.fullmatch(revision) is not None


def pinned_commit(folder: Path, *, repo_id: str, revision: str, resolve: Callable[[], str]) -> str:
    """Return the commit of a revision: itself, the one that was recorded, or that of `resolve`.

    Args:
        folder: Where the commits of all repositories are recorded.
        repo_id: The repository, `owner/name`.
        revision: A commit, tag or branch.
        resolve: Asks the hub; called only when nothing is recorded.

    Raises:
        DataError: The record is broken.
        ResultsError: It cannot be read or written.
    """
    if is_commit(revision):
        return revision
    file = folder / f"{repo_id.replace('/', '--')}@{quote(revision, safe='')}.json"
    if not file.is_file():
        _record_once(
            file,
            {
                "schema_version": SCHEMA_VERSION,
                "repo_id": repo_id,
                "revision": revision,
                "commit": resolve(),
            },
        )
    record = read_json(file)
    commit = record.get("commit") if isinstance(record, dict) else None
    if not isinstance(commit, str) or not is_commit(commit):
        raise DataError(
            "the record of a branch's commit is broken",
            file=file,
            key="commit",
            value=commit,
            remedy="delete it: the branch is looked up again",
        )
    return commit


def _record_once(file: Path, record: dict[str, object]) -> None:
    """Write a record; when another job was first, its record stands."""
    make_folder(file.parent)
    draft = file.with_name(f".{file.name}.{os.getpid()}.tmp")
    write_json(draft, record)
    try:
        os.link(draft, file)
    except FileExistsError:
        return
    except OSError:
        # Some file systems have no hard links.
        draft.replace(file)
    finally:
        draft.unlink(missing_ok=True)
