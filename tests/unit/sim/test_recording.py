"""Recording: what is on disk is what the expert did, whoever did it and in however many processes."""

import gc
from dataclasses import replace

import numpy as np
import pytest

from fedarm.data.dataset import open_dataset
from fedarm.data.decoding import decode_camera
from fedarm.errors import ConfigError, DataError
from fedarm.paths import DatasetPaths, read_json
from fedarm.provenance import derive_seed, digest_folder
from fedarm.sim import recording
from fedarm.sim.expert import demonstrate
from fedarm.sim.tasks import JOINTS

SETTINGS = {
    "tasks": ["pickplace", "sorting"],
    "variants": ["standard"],
    "episodes": 1,
    "seed": 5,
    "image_size": 32,
}


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    root = tmp_path_factory.mktemp("recording") / "dataset"
    told = []
    summary = recording.record_dataset(root, **SETTINGS, workers=1, progress=told.append)
    return root, summary, told


def expected(task, index=0, *, image_size=32):
    seed = derive_seed(5, "demonstration", task, "standard", index)
    return demonstrate(task, seed=seed, image_size=image_size)


def test_the_tables_are_what_the_expert_did(recorded):
    root, summary, told = recorded
    dataset = open_dataset(root)
    made = [expected(task) for task in SETTINGS["tasks"]]
    np.testing.assert_array_equal(dataset.state, np.concatenate([one.states for one in made]))
    np.testing.assert_array_equal(dataset.action, np.concatenate([one.actions for one in made]))
    assert [episode.length for episode in dataset.episodes] == [one.steps for one in made]
    assert [episode.tasks for episode in dataset.episodes] == [(one.instruction,) for one in made]
    assert summary == recording.RecordingSummary(
        recorded=2, attempted=2, failures=(), frames=len(dataset.state)
    )
    assert told == [1, 1]


def test_the_metadata_says_what_it_is(recorded):
    info = read_json(recorded[0] / "meta" / "info.json")
    assert info["codebase_version"] == "v3.0"
    assert info["fps"] == 10
    assert info["robot_type"] == "so100_follower"
    for feature in ("observation.state", "action"):
        assert info["features"][feature]["names"] == list(JOINTS)
    front = info["features"]["observation.images.front"]
    assert front["shape"] == [32, 32, 3]
    assert front["info"]["video.codec"] == "h264"


def test_every_frame_is_in_the_video_and_looks_as_it_did(recorded):
    dataset = open_dataset(recorded[0])
    (camera,) = dataset.info.cameras
    decoded = np.concatenate(list(decode_camera(dataset, camera, image_size=32)))
    frames = np.concatenate([expected(task).frames for task in SETTINGS["tasks"]])
    assert decoded.shape == frames.shape
    difference = np.abs(decoded.astype(int) - frames.astype(int))
    assert difference.mean() < 6
    # A frame is nearer to itself than to the one after.
    own = difference[1:].mean(axis=(1, 2, 3))
    other = np.abs(decoded[1:].astype(int) - frames[:-1].astype(int)).mean(axis=(1, 2, 3))
    moving = np.abs(np.diff(frames.astype(int), axis=0)).mean(axis=(1, 2, 3)) > 2
    assert moving.sum() > 20
    assert (own < other)[moving].all()


def test_two_workers_write_the_same_bytes(recorded, tmp_path):
    summary = recording.record_dataset(tmp_path / "dataset", **SETTINGS, workers=2)
    assert summary == recorded[1]
    assert digest_folder(tmp_path / "dataset") == digest_folder(recorded[0])


def test_failures_are_left_out_counted_and_made_up_for(tmp_path, monkeypatch):
    bad = derive_seed(5, "demonstration", "pickplace", "standard", 1)

    def clumsy(task, variant, *, seed, image_size):
        made = demonstrate(task, variant, seed=seed, image_size=image_size)
        return replace(made, success=made.success and seed != bad)

    monkeypatch.setattr(recording, "demonstrate", clumsy)
    settings = {**SETTINGS, "tasks": ["pickplace"], "episodes": 2}
    summary = recording.record_dataset(tmp_path / "dataset", **settings, workers=1)
    assert summary.recorded == 2
    assert summary.attempted == 3
    assert summary.failures == (recording.Failure("pickplace", "standard", bad),)
    states = open_dataset(tmp_path / "dataset").state
    made = [expected("pickplace", index).states for index in (0, 2)]
    np.testing.assert_array_equal(states, np.concatenate(made))


def test_a_broken_expert_is_an_error_and_leaves_nothing(tmp_path, monkeypatch):
    made = iter(range(100))

    def breaking(task, variant, *, seed, image_size):
        demonstration = demonstrate(task, variant, seed=seed, image_size=image_size)
        return replace(demonstration, success=next(made) < 1)

    monkeypatch.setattr(recording, "demonstrate", breaking)
    with pytest.raises(DataError, match="expert failed in 4 of 5"):
        recording.record_dataset(tmp_path / "dataset", **{**SETTINGS, "episodes": 2}, workers=1)
    # LeRobot's writer may still hold files until it is collected.
    gc.collect()
    assert list(tmp_path.iterdir()) == []


def test_a_version_has_a_manifest_with_its_recipe(tmp_path):
    paths = DatasetPaths(tmp_path / "some" / "0123456789ab")
    recipe = {"source": "sim", **SETTINGS, "tasks": ["so101_pickplace"]}
    recording.record_version(paths, recipe, workers=1)
    manifest = read_json(paths.manifest)
    assert manifest["recipe"] == {**recipe, "left_out": []}
    assert manifest["files"] == digest_folder(paths.dataset)
    assert read_json(paths.dataset / "meta" / "info.json")["robot_type"] == "so101_follower"


def test_unknown_names(tmp_path):
    with pytest.raises(ConfigError, match="unknown variant"):
        recording.record_dataset(
            tmp_path / "dataset", **{**SETTINGS, "variants": ["dark"]}, workers=1
        )
