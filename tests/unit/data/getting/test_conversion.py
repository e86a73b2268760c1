"""Datasets of versions 2.0 and 2.1 become version 3 datasets with the same rows."""

import json

import numpy as np
import pytest

from fedarm.config_datasets import LocalDataset
from fedarm.data.dataset import open_dataset
from fedarm.data.decoding import decode_camera
from fedarm.data.getting import conversion
from fedarm.data.getting.conversion import convert_to_v3
from fedarm.data.getting.v20 import upgrade_v20
from fedarm.data.getting.version import fetch_version
from fedarm.errors import DataError

from .legacy import CAMERA, LENGTHS, states, write_legacy


def test_statistics_of_each_episode(tmp_path):
    write_legacy(tmp_path)
    upgrade_v20(tmp_path)
    lines = (tmp_path / "meta/episodes_stats.jsonl").read_text().splitlines()
    second = json.loads(lines[1])
    assert second["episode_index"] == 1
    # Frames 0 to 3, plus 10: mean 11.5, variance (2.25 + 0.25) / 2.
    found = second["stats"]["observation.state"]
    assert found["mean"] == [11.5, 1.0]
    np.testing.assert_allclose(found["std"], [1.25**0.5, 0.0])
    assert (found["min"], found["max"], found["count"]) == ([10.0, 1.0], [13.0, 1.0], [4])
    assert second["stats"]["timestamp"]["count"] == [4]
    # Grey of 40, 70, 100 and 130 of 255, give or take what the codec loses.
    picture = second["stats"][CAMERA]
    np.testing.assert_allclose(np.squeeze(picture["mean"]), [85 / 255] * 3, atol=0.02)
    np.testing.assert_allclose(np.squeeze(picture["max"]), [130 / 255] * 3, atol=0.02)
    assert np.shape(picture["std"]) == (3, 1, 1)
    assert json.loads((tmp_path / "meta/info.json").read_text())["codebase_version"] == "v2.1"


@pytest.mark.slow
def test_a_version_20_dataset_becomes_a_version_3_dataset(tmp_path, paths):
    root = tmp_path / "legacy"
    write_legacy(root)
    # Some public revisions hold both layouts; the converter would take this for one more episode.
    (root / "data/chunk-000/file-000.parquet").write_bytes(b"version 3")
    before = {path: path.read_bytes() for path in root.rglob("*") if path.is_file()}
    section = LocalDataset(source="local", path=str(root), held_out=1)
    fetch_version(section, paths, recipe=section.recipe(), trained=True)
    dataset = open_dataset(paths.dataset)
    assert [episode.length for episode in dataset.episodes] == list(LENGTHS)
    np.testing.assert_array_equal(
        dataset.state, np.concatenate([states(episode) for episode in range(len(LENGTHS))])
    )
    pictures = np.concatenate(list(decode_camera(dataset, CAMERA, image_size=32)))
    assert len(pictures) == sum(LENGTHS)
    assert {path: path.read_bytes() for path in root.rglob("*") if path.is_file()} == before
    manifest = json.loads(paths.manifest.read_text())
    assert manifest["recipe"]["origin"]["codebase_version"] == "v2.0"
    assert not any("intermediate" in file or "_old" in file for file in manifest["files"])


def test_what_the_converter_says_is_passed_on(tmp_path, monkeypatch):
    write_legacy(tmp_path / "legacy")
    # LeRobot takes half a minute to import, only to fail.
    monkeypatch.setattr(conversion, "_CONVERTER", "no_such_converter")
    with pytest.raises(DataError, match="No module named no_such_converter"):
        convert_to_v3(tmp_path / "legacy", tmp_path / "converted", version="v2.1")


def test_a_missing_episode_is_named(tmp_path):
    write_legacy(tmp_path)
    (tmp_path / "data/chunk-000/episode_000002.parquet").unlink()
    with pytest.raises(DataError, match="episode_000002"):
        upgrade_v20(tmp_path)
