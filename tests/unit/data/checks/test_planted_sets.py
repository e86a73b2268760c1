"""Defects of the set as a whole and of its metadata are found; what is sound beside them is not."""

from __future__ import annotations

import json

import numpy as np
import pytest

from fedarm.data.checks import run_checks

from .conftest import Plant
from .teleop import CAMERA, TASKS, VIDEO, demonstrate, write_tables, write_teleop

STATE, ACTION = "observation.state", "action"
EPISODE = 2


def _columns(findings):
    return {finding["column"] for finding in findings}


def _features(plant):
    return json.loads((plant.root / "meta/info.json").read_text())["features"]


def _rewrite(root, recorded):
    """Write tables of other episodes; their videos are beside the point."""
    write_tables(root, recorded, brightness=0.5)


def _found(root, check):
    findings = run_checks(root).to_json()["findings"]
    return [finding for finding in findings if finding["check"] == check]


@pytest.mark.parametrize("key", ["front", "observation.images.", "observation.images.front cam"])
def test_a_camera_under_a_key_that_nobody_reads(plant, key):
    features = {key if name == CAMERA else name: f for name, f in _features(plant).items()}
    plant.info(features=features)
    plant.rename_episode_columns(f"videos/{CAMERA}/", f"videos/{key}/")

    assert _columns(plant.found("camera_keys")) == {key}


@pytest.mark.parametrize("dtype", ["uint8", "float32"])
def test_a_camera_that_is_no_video(plant, dtype):
    extra = {"observation.images.wrist": {"dtype": dtype, "shape": [96, 96, 3], "names": None}}
    plant.info(features=_features(plant) | extra)

    (found,) = plant.found("camera_keys")
    assert (found["column"], found["value"]) == ("observation.images.wrist", dtype)


@pytest.mark.parametrize("degrees", [60.0, 110.0])
def test_an_episode_that_begins_elsewhere(plant, degrees):
    rows = plant.rows(EPISODE)
    fading = np.linspace(degrees, 0, len(rows))
    for key in (STATE, ACTION):
        plant.joints(lambda x: x.__setitem__((rows, 3), x[rows, 3] + fading), key=key)

    (found,) = plant.found("endpoint_agreement")
    assert (found["episode"], found["frame"]) == (EPISODE, 0)


@pytest.mark.parametrize("noise", [0.3, 0.6])
def test_episodes_that_go_one_way(tmp_path, noise):
    write_teleop(tmp_path, episodes=5)
    rng = np.random.default_rng(0)
    one = demonstrate(rng)

    def nearly():
        # A slow wave, not noise from frame to frame, which is another defect.
        wave = np.sin(np.linspace(0, 2 * np.pi, len(one[0])) + rng.uniform(0, 6))[:, None]
        drift = (noise * rng.normal(size=6) * wave).astype(np.float32)
        return one[0] + drift, one[1] + drift

    _rewrite(tmp_path, [nearly() for _ in range(5)])

    (found,) = _found(tmp_path, "low_diversity")
    assert found["value"] < 1.2


@pytest.mark.parametrize("episodes", [1, 2])
def test_too_few_episodes(tmp_path, episodes):
    write_teleop(tmp_path, episodes=episodes)

    (found,) = _found(tmp_path, "too_few_episodes")
    assert found["value"] == episodes


@pytest.mark.parametrize(("episodes", "rare"), [(6, 0), (8, 1)])
def test_a_task_that_is_hardly_there(tmp_path, episodes, rare):
    write_teleop(tmp_path, episodes=episodes)
    plant, other = Plant(tmp_path), "Fold the towel."
    plant.append_task(other)
    plant.episodes(tasks=[[other]] * rare + [list(TASKS)] * (episodes - rare))
    rows = np.flatnonzero(np.array(plant.column("episode_index")) < rare)
    plant.set(task_index=lambda x: x.__setitem__(rows, 1))

    (found,) = plant.found("task_imbalance")
    assert found["value"] == rare
    assert other in found["message"]


@pytest.mark.parametrize("degrees", [60.0, 100.0])
def test_a_joint_that_drifts_over_the_episodes(tmp_path, degrees):
    write_teleop(tmp_path, episodes=12)
    rng = np.random.default_rng(0)
    recorded = []
    for number in range(12):
        state, action = demonstrate(rng)
        # The roll of the wrist, which the task leaves where it is.
        state[:, 4] += degrees * number / 11
        action[:, 4] += degrees * number / 11
        recorded.append((state, action))
    _rewrite(tmp_path, recorded)

    found = _found(tmp_path, "drift_over_episodes")
    assert _columns(found) == {f"{STATE}[wrist_roll.pos]"}


@pytest.mark.parametrize(
    ("key", "template"),
    [
        ("video_path", "/home/me/videos/{video_key}.mp4"),
        ("data_path", "../data/{chunk_index}.parquet"),
    ],
)
def test_a_path_that_leads_out(plant, key, template):
    plant.info(**{key: template})

    assert _columns(plant.found("portability")) == {key}


@pytest.mark.parametrize("name", ["videos/left.mp4", "meta/notes.md"])
def test_a_link_to_nowhere(plant, name):
    (plant.root / name).symlink_to("/nowhere/at/all")

    assert _columns(plant.found("portability")) == {name}


@pytest.mark.parametrize(
    ("text", "missing"),
    [("# My dataset\n", 2), ("# Ten episodes of a SO-101 robot\n", 1), ("robot, task: pick", 0)],
)
def test_a_card_that_says_little(plant, text, missing):
    (plant.root / "README.md").write_text(text)

    assert len(plant.found("card")) == missing


@pytest.mark.parametrize("key", ["hil", "interventions"])
def test_interventions_that_nothing_records(plant, key):
    plant.info(**{key: True})
    assert _columns(plant.found("interventions")) == {key}

    extra = {"is_intervention": {"dtype": "bool", "shape": [1], "names": None}}
    plant.info(features=_features(plant) | extra)
    assert plant.found("interventions") == []


@pytest.mark.parametrize(
    ("key", "values"),
    [
        ("intrinsics", {"fx": 0.0, "fy": 600.0, "cx": 320.0, "cy": 240.0}),
        ("intrinsics", {"fx": 600.0, "fy": "nan", "cx": 320.0, "cy": 240.0}),
        ("extrinsics", np.eye(4).tolist()),
        ("extrinsics", [0.0] * 16),
    ],
)
def test_a_camera_that_was_never_calibrated(plant, key, values):
    features = _features(plant)
    features[CAMERA]["info"][key] = values
    plant.info(features=features)

    (found,) = plant.found("camera_calibration")
    assert found["column"].endswith(key)
    assert (plant.root / VIDEO).is_file()
