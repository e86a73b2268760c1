"""Planning with a base checkpoint of a folder: its content counts, and nothing else of it."""

import os
import shutil
from pathlib import Path

import pytest

from fedarm import local_checkpoints
from fedarm.config_training import CheckpointBase, RandomBase
from fedarm.errors import ConfigError
from fedarm.local_checkpoints import digest_local_base


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("FEDARM_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache/checkpoint_digests.json"


@pytest.fixture
def folder(tmp_path):
    root = tmp_path / "pretrained_model"
    root.mkdir()
    (root / "config.json").write_text("{}")
    (root / "model.safetensors").write_text("weights")
    return root


def digest(folder: Path) -> str | None:
    base = CheckpointBase(kind="checkpoint", path=str(folder))
    return digest_local_base(base, source="my.yaml")


@pytest.mark.parametrize("kept_from_bytes", [1, 10_000_000])
def test_the_content_counts_and_not_the_place_or_the_date(
    folder, tmp_path, monkeypatch, kept_from_bytes
):
    monkeypatch.setattr(local_checkpoints, "_KEPT_FROM_BYTES", kept_from_bytes)
    first = digest(folder)
    weights = folder / "model.safetensors"
    os.utime(weights, (1, 1))
    (folder / "README.md").write_text("not loaded")
    assert digest(folder) == first
    shutil.copytree(folder, tmp_path / "moved")
    assert digest(tmp_path / "moved") == first
    # As many bytes and the same date, as of a copy that keeps dates.
    other = folder / "other"
    other.write_text("WEIGHTS")
    os.utime(other, (1, 1))
    other.replace(weights)
    second = digest(folder)
    (folder / "config.json").write_text('{"type": "act"}')
    assert len({first, second, digest(folder)}) == 3


def test_large_files_are_read_once(folder, monkeypatch, cache):
    monkeypatch.setattr(local_checkpoints, "_KEPT_FROM_BYTES", 1)
    first = digest(folder)

    def read_again(file):
        raise AssertionError(file)

    with monkeypatch.context() as patch:
        patch.setattr(local_checkpoints, "digest_file", read_again)
        assert digest(folder) == first
    cache.write_text("{")
    assert digest(folder) == first


def test_other_bases_have_none():
    assert digest_local_base(RandomBase(kind="none"), source="my.yaml") is None
    hub = CheckpointBase(kind="checkpoint", repo_id="owner/name", revision="main")
    assert digest_local_base(hub, source="my.yaml") is None


@pytest.mark.parametrize(
    ("lost", "says"),
    [("model.safetensors", "no model.safetensors"), ("config.json", "no config.json")],
)
def test_a_folder_that_is_no_checkpoint(folder, lost, says):
    (folder / lost).unlink()
    with pytest.raises(ConfigError, match=says) as refusal:
        digest(folder)
    assert all(word in str(refusal.value) for word in ("my.yaml", "base.path", str(folder)))
    shutil.rmtree(folder)
    with pytest.raises(ConfigError, match="no such folder"):
        digest(folder)
