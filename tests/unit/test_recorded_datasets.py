"""Planning with datasets of the hub and of folders: what is refused, and what makes another version."""

import json
import os
import shutil

import pytest
import yaml

from fedarm.errors import ConfigError
from fedarm.evaluation_jobs import rollout_settings
from fedarm.experiment import load_experiment, parse_experiment
from fedarm.training_jobs import train_settings

HUB = {"source": "hub", "repo_id": "lerobot/svla_so100_pickplace", "held_out": 2}


@pytest.fixture
def recorded_config(small_config, tmp_path):
    """An experiment with a client of the hub and one of a folder."""
    root = tmp_path / "mine"
    for path, content in {
        "meta/info.json": json.dumps({"codebase_version": "v3.0", "total_episodes": 4}),
        "data/chunk-000/file-000.parquet": "rows",
        "videos/top/chunk-000/file-000.mp4": "pictures",
    }.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(content)
    small_config["datasets"]["left"] = dict(HUB)
    small_config["datasets"]["right"] = {"source": "local", "path": str(root), "held_out": 1}
    small_config["unseen"] = []
    return small_config


def plan(config):
    return parse_experiment(config, source="my.yaml")


def version(config, name):
    return plan(config).version(name)


def refuse(config) -> str:
    with pytest.raises(ConfigError) as caught:
        plan(config)
    return str(caught.value)


def test_nothing_is_rolled_out_without_a_scene(recorded_config):
    experiment = plan(recorded_config)
    assert experiment.rolled_out == ()
    for run in experiment.runs:
        assert rollout_settings(experiment, run).scenes == ()
        assert train_settings(experiment, run).digest()
    assert [experiment.is_simulated(name) for name in experiment.datasets] == [False, False, True]


def test_a_base_that_is_not_pretrained_is_made_for_the_clients_recordings(recorded_config):
    def base_settings():
        experiment = plan(recorded_config)
        return train_settings(experiment, experiment.base_run)

    assert base_settings().shaped_by == ()
    recorded_config["base"] = {"kind": "none"}
    before = base_settings()
    assert [source.name for source in before.shaped_by] == ["left", "right"]
    recorded_config["datasets"]["left"]["revision"] = "c" * 40
    other = base_settings().digest()
    assert other != before.digest()
    recorded_config["datasets"]["left"]["held_out"] += 1
    assert base_settings().digest() == other


def test_simulated_and_recorded_datasets_are_not_compared(recorded_config):
    recorded_config["unseen"] = ["other"]
    message = refuse(recorded_config)
    assert "no simulator's scene" in message
    assert "['left', 'right']" in message


def test_a_hub_datasets_version_is_its_revision_and_hotfixes(recorded_config):
    left = recorded_config["datasets"]["left"]
    first = version(recorded_config, "left")
    left["held_out"] = 3
    assert version(recorded_config, "left") == first
    left["revision"] = "main"
    assert version(recorded_config, "left") == first
    left["revision"] = "c" * 40
    second = version(recorded_config, "left")
    left["hotfixes"] = [{"fix": "declared_rows"}]
    assert len({first, second, version(recorded_config, "left")}) == 3


def test_a_local_datasets_version_is_its_content(recorded_config, tmp_path):
    root = tmp_path / "mine"
    first = version(recorded_config, "right")
    for file in root.rglob("*"):
        os.utime(file, (1, 1))
    (root / "notes.txt").write_text("none of the dataset")
    assert version(recorded_config, "right") == first
    shutil.copytree(root, tmp_path / "moved")
    recorded_config["datasets"]["right"]["path"] = str(tmp_path / "moved")
    assert version(recorded_config, "right") == first
    (tmp_path / "moved/data/chunk-000/file-000.parquet").write_text("ROWS")
    second = version(recorded_config, "right")
    (tmp_path / "moved/videos/top/chunk-000/file-000.mp4").write_text("cut")
    assert len({first, second, version(recorded_config, "right")}) == 3


def test_the_resolved_configuration_insists_on_the_content(recorded_config, tmp_path):
    experiment = plan(recorded_config)
    resolved = tmp_path / "resolved.yaml"
    resolved.write_text(yaml.safe_dump(experiment.config.model_dump(mode="json")))
    shutil.rmtree(tmp_path / "mine")
    again = load_experiment(resolved)
    assert again.config == experiment.config
    assert again.version("right") == experiment.version("right")


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"repo_id": "pickplace"}, "datasets.left"),
        ({"revison": "main"}, "did you mean 'revision'"),
        ({"hotfixes": [{"fix": "declared_row"}]}, "declared_rows"),
        ({"hotfixes": [{"fix": "fill_tasks"}]}, "tasks"),
        ({"held_out": 0}, "at least one held-out episode"),
        ({"source": "hubb"}, "did you mean 'hub'"),
    ],
)
def test_mistakes_in_a_hub_dataset(recorded_config, changes, says):
    recorded_config["datasets"]["left"] |= changes
    assert says in refuse(recorded_config)


def test_a_folder_that_is_no_dataset(recorded_config, tmp_path):
    recorded_config["datasets"]["right"]["path"] = str(tmp_path / "none")
    message = refuse(recorded_config)
    assert "no such folder" in message
    assert "datasets.right.path" in message
    recorded_config["datasets"]["right"]["path"] = str(tmp_path)
    assert "no meta/info.json" in refuse(recorded_config)


@pytest.mark.parametrize(
    ("episodes", "held_out", "says"),
    [(0, 1, "empty"), (1, 1, "no episode is left to train on"), (4, 4, "no episode is left")],
)
def test_too_few_episodes(recorded_config, tmp_path, episodes, held_out, says):
    info = {"codebase_version": "v3.0", "total_episodes": episodes}
    (tmp_path / "mine/meta/info.json").write_text(json.dumps(info))
    recorded_config["datasets"]["right"]["held_out"] = held_out
    message = refuse(recorded_config)
    assert says in message
    assert "info.json" in message


def test_metadata_that_is_no_json(recorded_config, tmp_path):
    (tmp_path / "mine/meta/info.json").write_text("{")
    assert "not valid JSON" in refuse(recorded_config)
