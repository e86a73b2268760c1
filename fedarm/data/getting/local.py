"""Datasets in folders: their files, provided that they are still those that were planned with."""

from __future__ import annotations

from pathlib import Path

from fedarm.config_datasets import LocalDataset
from fedarm.data.getting.originals import Original
from fedarm.data.info import INFO_FILE
from fedarm.errors import DataError
from fedarm.local_datasets import dataset_files, digest_content


def get_local(section: LocalDataset) -> Original:
    """Return the dataset in a folder; nothing is copied and nothing is written.

    Raises:
        DataError: There is no dataset, or it is not the one that the experiment was planned with.
    """
    root = Path(section.path)
    if not (root / INFO_FILE).is_file():
        raise DataError(
            "not a LeRobot dataset: its metadata is missing",
            file=root / INFO_FILE,
            key="path",
            value=section.path,
            remedy="give the folder that holds `meta/`, `data/` and `videos/`",
        )
    content = digest_content(root)
    if section.content is not None and content != section.content:
        raise DataError(
            "the dataset has changed since the experiment was planned",
            file=root,
            key="content",
            value=content,
            remedy="start the experiment again: the changed dataset is another version",
        )
    return Original(root=root, files=dataset_files(root), origin={"content": content})
