"""The digests of a dataset's content: what two machines compare to know that they hold the same."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fedarm.errors import DataError
from fedarm.paths import write_json
from fedarm.provenance import digest_folder, digest_value

SCHEMA_VERSION = 1


def dataset_manifest(root: Path, *, recipe: Any) -> dict[str, Any]:
    """Return what a dataset was made from and the sha256 of each of its files.

    Args:
        root: The dataset's folder.
        recipe: What the dataset was made from, JSON-serialisable.

    Raises:
        DataError: The folder is missing or empty.
    """
    files = digest_folder(root) if root.is_dir() else {}
    if not files:
        raise DataError(
            "there is no dataset here", file=root, remedy="run the dataset stage for it again"
        )
    return {
        "schema_version": SCHEMA_VERSION,
        "recipe": recipe,
        "content_sha256": digest_value(files),
        "files": files,
    }


def write_manifest(path: Path, *, root: Path, recipe: Any) -> dict[str, Any]:
    """Write `dataset_manifest` to `path` and return it.

    Raises:
        DataError: The dataset's folder is missing or empty.
        ResultsError: The manifest cannot be written.
    """
    manifest = dataset_manifest(root, recipe=recipe)
    write_json(path, manifest)
    return manifest
