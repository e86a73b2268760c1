"""A small recording replayed from end to end, by an ACT and by a SmolVLA that reads and draws noise."""

import shutil
from dataclasses import replace

import av
import numpy as np
import pandas as pd
import pytest
import torch

from fedarm import config_policies
from fedarm.data.frame_cache import build_frame_cache, open_frame_cache
from fedarm.errors import CheckpointError, DataError
from fedarm.evaluation_settings import ReplayDataset, ReplaySettings
from fedarm.paths import RunPaths, read_json
from fedarm.policies.checkpoint import digest_checkpoint, load_pretrained, save_pretrained
from fedarm.policies.draws import flow_noise
from fedarm.policies.language import reader_of
from fedarm.policies.presets import PolicyFeatures, build_policy
from fedarm.provenance import digest_file, digest_folder
from fedarm.rollout import looks as looks_module
from fedarm.rollout.looks import look_at
from fedarm.rollout.replay import replay_run
from fedarm.rollout.replay_film import _path_drawer
from fedarm.settings import DataSource, Run
from fedarm.sim.scene import compile_scene
from fedarm.sim.simulation import HOME_DEG
from fedarm.training.rows import open_held_out
from tests.unit.data.recording import FRONT, LENGTHS, WRIST, record
from tests.unit.federated.test_smolvla import TINY_SMOLVLA

ACT = config_policies.ActPolicy(
    image_size=32, chunk_size=4, n_action_steps=2, dim_model=16, n_heads=2, dim_feedforward=32
)
SMOLVLA = config_policies.SmolVLAPolicy(**TINY_SMOLVLA)
CAMERAS = (FRONT, WRIST)
JOINTS = ("shoulder_pan", "shoulder_lift", "elbow_flex", "wrist_flex", "wrist_roll", "gripper")


@pytest.fixture(scope="module", autouse=True)
def _cache(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FEDARM_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="module")
def recording(tmp_path_factory):
    root = tmp_path_factory.mktemp("recording")
    record(root / "dataset")
    build_frame_cache(root / "dataset", root / "cache", image_size=32)
    return root


@pytest.fixture(scope="module", params=[ACT, SMOLVLA], ids=["act", "smolvla"])
def settings(request, _cache, recording, tmp_path_factory):
    """A run with a random policy; do not change its files."""
    source = DataSource("mine", recording / "cache", "0" * 12, held_out=2, split_seed=1)
    paths = RunPaths(tmp_path_factory.mktemp("run"), federated=False)
    features = PolicyFeatures(state_joints=6, action_joints=6, cameras=CAMERAS, image_size=32)
    moments = {"mean": np.zeros(6), "std": np.full(6, 30.0)}
    pixels = {"mean": np.full((3, 1, 1), 0.5), "std": np.full((3, 1, 1), 0.2)}
    statistics = {"observation.state": moments, "action": moments, FRONT: pixels, WRIST: pixels}
    policy = build_policy(request.param, features, seed=3)
    save_pretrained(policy, statistics, paths.pretrained_model(2))
    return ReplaySettings(
        run=Run("central", "central", "central", 0, ("mine",)),
        datasets=(ReplayDataset(source, recording / "dataset", unseen=False, scene=None),),
        round=2,
        policy=request.param,
        videos=1,
        video_size=320,
        paths=paths,
    )


@pytest.fixture(scope="module")
def done(settings):
    replay_run(settings)
    return settings


def test_every_prediction_has_its_recorded_action_beside_it(done):
    frame = pd.read_parquet(done.paths.replay_frames("mine"))
    cached, held_out = open_held_out(done.datasets[0].source)
    assert sorted(frame["episode"].unique()) == list(held_out)
    for (episode, first), look in frame.groupby(["episode", "frame"]):
        rows = cached.rows_of([episode])
        assert first % 2 == 0
        expected = cached.action[rows][first : first + 4]
        found = look[[f"recorded_{joint}" for joint in JOINTS]].to_numpy()
        np.testing.assert_array_equal(found, expected)
        assert look["step"].tolist() == list(range(len(expected)))
        assert look["timestamp_s"].iloc[0] == pytest.approx(first / 10)
    looks = sum((LENGTHS[episode] + 1) // 2 for episode in held_out)
    assert len(frame.groupby(["episode", "frame"])) == looks
    assert frame["executed"].tolist() == (frame["step"] < 2).tolist()


def test_the_summary_is_that_of_the_table(done):
    frame = pd.read_parquet(done.paths.replay_frames("mine"))
    summary = read_json(done.paths.replay_summary("mine"))
    assert summary["actions"] == len(frame)
    for joint in JOINTS:
        errors = (frame[f"predicted_{joint}"] - frame[f"recorded_{joint}"]).abs().astype(float)
        assert summary["error"][joint]["mean"] == pytest.approx(errors.mean(), rel=1e-4)
        assert summary["error"][joint]["p95"] == pytest.approx(errors.quantile(0.95), rel=1e-4)
        soon = errors[frame["executed"]].mean()
        assert summary["error_executed"][joint]["mean"] == pytest.approx(soon, rel=1e-4)
        last = errors[frame["step"] == 3].mean()
        assert summary["error_by_step"]["mean"][joint][3] == pytest.approx(last, rel=1e-4)
    assert tuple(summary["joints"]) == JOINTS
    assert (summary["arm"], summary["round"], summary["unseen"]) == ("central", 2, False)
    assert summary["policy_loss"] > 0
    # The joints lie within [-100, 100] and nothing says in which unit.
    assert set(summary["units"].values()) <= {"as recorded", "degrees", "percent open"}


def test_not_moving_is_the_yardstick(done):
    cached, held_out = open_held_out(done.datasets[0].source)
    distances = []
    for episode in held_out:
        rows = cached.rows_of([episode])
        for first in range(0, len(rows), 2):
            chunk = cached.action[rows][first : first + 4]
            distances.append(np.abs(chunk - cached.state[rows[first]]))
    expected = np.concatenate(distances).mean(axis=0)
    still = read_json(done.paths.replay_summary("mine"))["hold_still"]
    assert [still[joint] for joint in JOINTS] == pytest.approx(expected.tolist(), rel=1e-4)


def test_films_show_the_episode_in_real_time(done):
    (video,) = read_json(done.paths.replay_summary("mine"))["videos"]
    file = done.paths.replay_summary("mine").parent / video["file"]
    assert digest_file(file) == video["sha256"]
    with av.open(str(file)) as container:
        frames = [f.to_ndarray(format="rgb24") for f in container.decode(video=0)]
    # Recorded at 10 frames/s and shown at 30.
    assert len(frames) == 3 * LENGTHS[video["episode"]]
    assert frames[0].shape == (320, 320, 3)
    record = read_json(file.with_suffix(".json"))
    assert record["frames"] == len(frames)
    assert "success" not in record
    # A cursor moves through the charts.
    charts = np.stack(frames)[:, 180:].astype(int)
    assert np.abs(charts[0] - charts[-1]).max() > 50


def test_the_same_replay_gives_the_same_bytes(done, tmp_path):
    folder = done.paths.replay_summary("mine").parent
    before = digest_folder(folder)
    replay_run(done)
    assert digest_folder(folder) == before


def test_predictions_do_not_depend_on_the_batch(done, monkeypatch):
    cached, held_out = open_held_out(done.datasets[0].source)
    loaded = load_pretrained(done.paths.pretrained_model(2), expected=done.policy)
    whole = look_at(loaded, cached, held_out)
    monkeypatch.setattr(looks_module, "_BATCH_SIZE", 3)
    again = look_at(loaded, cached, held_out)
    np.testing.assert_allclose(again.predicted, whole.predicted, rtol=1e-4, atol=1e-3)
    assert whole.policy_loss == pytest.approx(again.policy_loss, rel=1e-5)


def test_a_prediction_is_the_policys_own_by_hand(done):
    cached, held_out = open_held_out(done.datasets[0].source)
    loaded = load_pretrained(done.paths.pretrained_model(2), expected=done.policy)
    looks = look_at(loaded, cached, held_out)
    row = int(looks.rows[0])
    raw = torch.from_numpy(cached.frames[row].astype(np.float32)).permute(0, 3, 1, 2) / 255
    # ACT normalises its pictures with the statistics of training, SmolVLA takes them as they are.
    shown = (raw - 0.5) / 0.2 if done.policy.type == "act" else raw
    seen = {camera: shown[[index]] for index, camera in enumerate(CAMERAS)}
    seen["observation.state"] = torch.from_numpy(cached.state[[row]]) / 30
    if done.policy.type == "smolvla":
        task = cached.tasks[cached.task_index[row]]
        seen |= reader_of(loaded.policy).tokens([task]) | flow_noise(loaded.policy, [0])
    noise = {"noise": seen.pop("noise")} if "noise" in seen else {}
    with torch.inference_mode():
        expected = 30 * loaded.policy.predict_action_chunk(seen, **noise)[0].numpy()
    np.testing.assert_allclose(looks.predicted[0], expected, rtol=1e-3, atol=1e-2)


def test_a_clients_own_policy_is_replayed_on_its_data(done, tmp_path):
    own = replace(done, paths=RunPaths(tmp_path / "own", federated=False), videos=0)
    shutil.copytree(done.paths.pretrained_model(2), own.paths.pretrained_model(2))
    loaded = load_pretrained(done.paths.pretrained_model(2), expected=done.policy)
    with torch.no_grad():
        next(p for p in loaded.policy.parameters() if p.requires_grad).add_(0.1)
    save_pretrained(loaded.policy, loaded.statistics, own.paths.client_model(2, "mine"))
    replay_run(own)
    summaries = [read_json(each.paths.replay_summary("mine")) for each in (own, done)]
    assert summaries[0]["checkpoint_sha256"] == digest_checkpoint(own.paths.client_model(2, "mine"))
    assert summaries[0]["checkpoint_sha256"] != summaries[1]["checkpoint_sha256"]
    assert summaries[0]["error"] != summaries[1]["error"]


def test_a_policy_with_other_cameras_is_refused(done, recording, tmp_path):
    other = build_frame_cache(recording / "dataset", tmp_path / "cache", image_size=64)
    assert other["frames_shape"][2] == 64
    source = replace(done.datasets[0].source, cache=tmp_path / "cache")
    wrong = replace(done, datasets=(replace(done.datasets[0], source=source),))
    before = digest_folder(done.paths.root)
    with pytest.raises(CheckpointError, match="does not fit the dataset") as refused:
        replay_run(wrong)
    assert "input_features" in str(refused.value)
    assert digest_folder(done.paths.root) == before


def test_without_held_out_episodes_there_is_nothing_to_replay(done):
    source = replace(done.datasets[0].source, held_out=0)
    with pytest.raises(DataError, match="no episode is held out"):
        replay_run(replace(done, datasets=(replace(done.datasets[0], source=source),)))
    assert len(open_frame_cache(source.cache).episodes) == len(LENGTHS)


def test_in_a_known_scene_both_paths_are_where_its_camera_sees_them():
    scene, side = compile_scene("pickplace"), 240
    state = np.asarray(HOME_DEG, np.float32)
    reach = np.linspace(0, 1, 9)[1:, None] * np.array([30, 20, -20, 0, 0, 0], np.float32)
    recorded, predicted = state + reach, state - reach
    draw = _path_drawer(
        scene, state, predicted=predicted, recorded=recorded, executed=4, first=0, side=side
    )
    plain = np.full((side, side, 3), 90, np.uint8)
    picture = draw(plain.copy(), 0).astype(int)
    drawn = np.abs(picture - plain).sum(axis=2) > 40
    for way in (recorded, predicted):
        points = np.rint(scene.project(scene.tool_positions(way), side)).astype(int)
        assert all(drawn[row, column] for column, row in points)
    # The recorded one is white; the predicted one has the colours of the horizon.
    column, row = np.rint(scene.project(scene.tool_positions(recorded[-1:]), side)[0]).astype(int)
    assert picture[row, column].min() > 180
    column, row = np.rint(scene.project(scene.tool_positions(predicted[-1:]), side)[0]).astype(int)
    assert np.ptp(picture[row, column]) > 50
