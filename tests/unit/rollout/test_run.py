"""A run's rollouts are complete, paired across arms, and the same to the byte."""

import subprocess
import sys
from dataclasses import replace

import pyarrow.parquet as pq
import pytest

from fedarm.errors import CheckpointError
from fedarm.paths import read_json
from fedarm.provenance import digest_file, digest_folder
from fedarm.rollout.run import rollout_runs


def rows_of(settings, dataset):
    return pq.read_table(settings.paths.episodes(dataset)).to_pylist()


@pytest.fixture(scope="module")
def done(small_run, tmp_path_factory):
    """Return a run that is rolled out already; tests only read it."""
    settings = small_run(results=tmp_path_factory.mktemp("done"))
    rollout_runs([settings], workers=1)
    return settings


def test_everything_is_there_and_said(done):
    for scene in done.scenes:
        rows = rows_of(done, scene.dataset)
        found = [(row["round"], row["episode"], row["final"]) for row in rows]
        assert found == [(1, 0, False), (2, 0, True), (2, 1, True)]
        for row in rows:
            assert row["unseen"] == scene.unseen
            assert (row["task"], row["variant"]) == (scene.task, scene.variant)
            assert row["duration_s"] == row["steps"] / 10
            assert row["object_goal_distance_m"] > 0
            assert row["initial_conditions"] == f"{scene.task}-{scene.variant}-seed7-v1"
    _check_videos(done)


def _check_videos(settings):
    listed = read_json(settings.paths.videos)
    assert listed["schema_version"] == 1
    names = [
        f"{dataset}/videos/round_000{number}_episode_000.mp4"
        for dataset in ("left", "other")
        for number in (1, 2)
    ]
    assert [video["file"] for video in listed["videos"]] == names
    for video in listed["videos"]:
        assert video["sha256"] == digest_file(settings.paths.rollouts / video["file"])
        record = read_json(settings.paths.rollouts / video["record"])
        assert record["video_sha256"] == video["sha256"]
        row = next(
            row
            for row in rows_of(settings, record["dataset"])
            if (row["round"], row["episode"]) == (record["round"], record["episode"])
        )
        shared = set(row) & set(record)
        assert {"success", "steps", "checkpoint_sha256"} <= shared
        assert {"initial_conditions", "episode", "initial_condition_seed"} <= shared
        assert {key: row[key] for key in shared} == {key: record[key] for key in shared}
        # Training reports no loss on the other dataset.
        expected = 0.1 * record["round"] if record["dataset"] == "left" else None
        assert record["policy_loss"] == expected


@pytest.mark.slow
def test_same_run_gives_the_same_bytes_whatever_the_number_of_workers(done, small_run, tmp_path):
    again = small_run(results=tmp_path / "again")
    rollout_runs([again], workers=2)
    assert digest_folder(again.paths.rollouts) == digest_folder(done.paths.rollouts)


def test_rollouts_are_a_dataset_too_when_asked(done, small_run, tmp_path):
    """The same episodes, filmed or not, in the order of the table."""
    settings = small_run("fedprox", rounds=(1, 2), results=tmp_path)
    asked = replace(settings, scenes=settings.scenes[:1], as_dataset=True)
    rollout_runs([asked], workers=1)
    rows = rows_of(asked, "left")
    assert rows == rows_of(done, "left")
    folder = asked.paths.episodes("left").parent
    info = read_json(folder / "dataset" / "meta" / "info.json")
    final = [row for row in rows if row["final"]]
    assert info["total_episodes"] == len(final)
    assert info["total_frames"] == sum(row["steps"] for row in final)
    video = "videos/round_0002_episode_000.mp4"
    filmed = done.paths.episodes("left").parent / video
    assert digest_file(folder / video) == digest_file(filmed)


def test_arms_meet_the_same_initial_conditions(small_run, tmp_path):
    seeds = {}
    for arm in ("fedprox", "central"):
        settings = small_run(arm, videos=0, rounds=(2,), results=tmp_path)
        rollout_runs([settings], workers=1)
        seeds[arm] = [
            row["initial_condition_seed"]
            for dataset in ("left", "other")
            for row in rows_of(settings, dataset)
        ]
    assert seeds["fedprox"] == seeds["central"]
    assert len(set(seeds["central"])) == 4


def test_videos_of_an_earlier_configuration_are_gone(small_run, tmp_path):
    settings = small_run("central", videos=0, rounds=(1,), results=tmp_path)
    stale = settings.paths.rollouts / "left" / "videos" / "round_0009_episode_000.mp4"
    stale.parent.mkdir(parents=True)
    stale.touch()
    rollout_runs([settings], workers=1)
    assert not stale.exists()
    assert read_json(settings.paths.videos)["videos"] == []


def test_missing_checkpoint_is_said_before_anything_is_written(small_run, tmp_path):
    settings = small_run(results=tmp_path)
    weights = settings.paths.pretrained_model(2) / "model.safetensors"
    weights.unlink()
    with pytest.raises(CheckpointError, match=r"round_0002"):
        rollout_runs([settings], workers=1)
    assert not settings.paths.rollouts.exists()


def test_what_only_hands_out_work_imports_neither_pytorch_nor_mujoco():
    """They would take as long to import as the first episodes take to run."""
    code = "import sys, fedarm.rollout.run; print({'torch', 'mujoco'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
