from __future__ import annotations

import hashlib
import json

import pytest

from fedarm.data.manifest import dataset_manifest, write_manifest
from fedarm.errors import DataError


@pytest.fixture
def folder(tmp_path):
    root = tmp_path / "dataset"
    (root / "meta").mkdir(parents=True)
    (root / "meta/info.json").write_text("{}")
    (root / "data.bin").write_bytes(b"abc")
    return root


def test_lists_every_file_with_its_digest(folder, tmp_path):
    manifest = write_manifest(tmp_path / "manifest.json", root=folder, recipe={"seed": 1})

    assert manifest == json.loads((tmp_path / "manifest.json").read_text())
    assert manifest["recipe"] == {"seed": 1}
    assert manifest["files"] == {
        "data.bin": "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
        "meta/info.json": hashlib.sha256(b"{}").hexdigest(),
    }


def test_content_digest_follows_content_and_names(folder):
    before = dataset_manifest(folder, recipe=None)["content_sha256"]
    (folder / "data.bin").write_bytes(b"abd")
    changed = dataset_manifest(folder, recipe=None)["content_sha256"]
    (folder / "data.bin").rename(folder / "other.bin")
    renamed = dataset_manifest(folder, recipe=None)["content_sha256"]

    assert len({before, changed, renamed}) == 3


def test_an_empty_folder_is_refused(tmp_path):
    with pytest.raises(DataError, match="no dataset here"):
        dataset_manifest(tmp_path / "absent", recipe=None)
