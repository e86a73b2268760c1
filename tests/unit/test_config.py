"""Each mistake that a user can make in the configuration is refused, with where it is and a remedy."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from fedarm.config import parse_config
from fedarm.errors import ConfigError
from fedarm.experiment import load_experiment, parse_experiment, write_resolved_config

ROOT = Path(__file__).parents[2]


def set_key(config: dict[str, Any], path: str, value: Any) -> None:
    *parents, last = path.split(".")
    for part in parents:
        config = config[part]
    config[last] = value


def refuse(config: dict[str, Any]) -> str:
    with pytest.raises(ConfigError) as caught:
        parse_experiment(config, source="my.yaml")
    assert "my.yaml" in str(caught.value)
    return str(caught.value)


def test_small_experiment_is_valid(small_config):
    assert parse_experiment(small_config, source="my.yaml").config.experiment == "small"


@pytest.mark.parametrize(
    "name", ["config.yaml", *(f"configs/{p.name}" for p in ROOT.glob("configs/*.yaml"))]
)
def test_shipped_configs_are_valid(name):
    assert load_experiment(ROOT / name).runs


@pytest.mark.parametrize(
    ("path", "value", "says"),
    [
        ("trainng", {}, ["trainng", "did you mean 'training'"]),
        ("training.batchsize", 8, ["training.batchsize", "did you mean 'batch_size'"]),
        ("datasets.left.episods", 8, ["datasets.left", "did you mean 'episodes'"]),
        ("arms.fedprox.mue", 8, ["arms.fedprox", "did you mean 'mu'"]),
        ("training.batch_size", "8", ["training.batch_size", "valid integer", "'8'"]),
        ("training.lr", "1e-3", ["training.lr", "write 0.001 or 1.0e-3"]),
        ("training.lr", -1.0, ["training.lr", "greater than 0"]),
        ("seeds", [0, 0], ["seeds", "only once"]),
        ("arms.fedprox.strategy", "fedprxo", ["unknown strategy 'fedprxo'", "fedprox"]),
        ("arms.fedprox.mu", -0.1, ["mu", "greater than or equal to 0"]),
        ("arms.fedprox.server_lr", 1.0, ["arms.fedprox", "unknown key"]),
        ("federation.rounds", 0, ["federation.rounds", "greater than 0"]),
        (
            "federation",
            {"rounds": 4, "missing_reply": "exclude", "min_clients": 3},
            ["federation.min_clients", "at most 2"],
        ),
        ("federation.missing_reply", "exclude", ["federation", "go together"]),
        (
            "arms.fedprox",
            {"kind": "federated", "strategy": "trimmed_mean", "hostile": 1},
            ["arms.fedprox.hostile", "at least 3 clients"],
        ),
        (
            "arms.fedprox",
            {"kind": "federated", "strategy": "scaffold", "optimizer_state": "average"},
            ["arms.fedprox", "has no moments"],
        ),
        ("arms.fedprox.optimizer_state", "keep", ["optimizer_state", "'reset' or 'average'"]),
        ("datasets.left.tasks", ["pickplac"], ["datasets.left", "pickplace"]),
        ("clients", ["left", "rihgt"], ["clients", "did you mean 'right'"]),
        ("unseen", ["left"], ["unseen", "'left'", "would be trained on"]),
        ("base.datasets", ["left"], ["base.datasets", "'left'"]),
        ("base.datasets", ["other"], ["base.datasets", "'other'"]),
        ("datasets.left.held_out", 0, ["datasets.left.held_out", "at least one held-out episode"]),
        ("datasets.left.held_out", 4, ["datasets.left.held_out", "no episode is left to train on"]),
        ("datasets.left.held_out", 5, ["datasets.left.held_out", "at most 4"]),
        ("seeds", [3], ["seeds", "at least two seeds", "compare.level: checkpoints"]),
        ("training.samples", 250, ["training.samples", "multiple of 64", "256"]),
        ("base.samples", 63, ["base.samples", "multiple of 8"]),
        ("rollout.progress.rounds", [4], ["rollout.progress.rounds", "[1, 2, 3]"]),
        (
            "rollout.progress.episodes",
            3,
            ["rollout.progress.episodes", "at most `rollout.episodes`"],
        ),
        ("compare.reference", "centrl", ["compare.reference", "did you mean 'central'"]),
        ("experiment", "datasets", ["experiment", "otherwise"]),
        ("compare.reference", "local", ["compare.reference", "one a client", "central, fedprox"]),
        (
            "arms.workflow",
            {"kind": "federated", "strategy": "fedavg"},
            ["arms.workflow", "cannot have this name"],
        ),
        ("policy", {"chunk_size": 4, "n_action_steps": 8}, ["policy", "cannot exceed"]),
    ],
)
def test_mistakes_are_named(small_config, path, value, says):
    set_key(small_config, path, value)
    message = refuse(small_config)
    for part in says:
        assert part in message


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"compare.level": "seeds"}, ["compare.level", "never on training seeds"]),
        ({"rollout.episodes": 5}, ["rollout.episodes", "multiple of 2"]),
        ({"rollout.videos": 3}, ["rollout.videos", "film at most 2"]),
        ({"rollout.as_dataset": True}, ["rollout.as_dataset", "not written as datasets"]),
        ({"compare.looks": 0}, ["compare.looks", "greater than or equal to 1"]),
    ],
)
def test_looks_that_cannot_be_taken_are_named(small_config, changes, says):
    asked = {"compare.looks": 2, "compare.level": "checkpoints", "rollout.episodes": 4}
    for path, value in (asked | {"rollout.progress": {"rounds": [], "episodes": 1}}).items():
        set_key(small_config, path, value)
    assert parse_experiment(small_config, source="my.yaml").config.compare.looks == 2
    for path, value in changes.items():
        set_key(small_config, path, value)
    message = refuse(small_config)
    for part in says:
        assert part in message


def test_checkpoint_base_needs_one_origin_and_a_revision(small_config):
    small_config["base"] = {"kind": "checkpoint"}
    assert "exactly one of `path` and `repo_id`" in refuse(small_config)
    small_config["base"] = {"kind": "checkpoint", "repo_id": "lerobot/smolvla_base"}
    assert "needs a `revision`" in refuse(small_config)


def test_arm_names_cannot_collide_with_other_folders(small_config):
    small_config["arms"]["local_left"] = {"kind": "federated", "strategy": "fedavg"}
    assert "name it after its strategy" in refuse(small_config)
    del small_config["arms"]["local_left"]
    small_config["arms"]["pooled"] = {"kind": "central"}
    assert "call it 'central'" in refuse(small_config)


def test_several_tasks_cannot_be_rolled_out_on(small_config):
    small_config["datasets"]["left"]["tasks"] = ["pickplace", "sorting"]
    assert "exactly one task" in refuse(small_config)


def test_unwritable_results_folder(small_config, tmp_path):
    blocker = tmp_path / "file"
    blocker.write_text("not a folder")
    small_config["results_dir"] = str(blocker / "results")
    assert "cannot be written" in refuse(small_config)


def test_trackers_are_off_unless_asked_for(small_config):
    assert not parse_config(small_config, source="test").tracking.is_on
    # As Snakemake reads `--config "tracking={tensorboard: true}"`.
    small_config["tracking"] = {"tensorboard": "true"}
    assert parse_config(small_config, source="test").tracking.is_on
    small_config["tracking"] = {"wandb": {"mode": "disabled"}}
    with pytest.raises(ConfigError, match=r"tracking\.wandb\.mode"):
        parse_config(small_config, source="test")


def test_who_watches_is_not_in_the_resolved_configuration(small_config, tmp_path):
    small_config["results_dir"] = str(tmp_path)
    written = []
    for section in ({}, {"tensorboard": True}):
        small_config["tracking"] = section
        experiment = parse_experiment(small_config, source="test")
        write_resolved_config(experiment)
        written.append(experiment.resolved_config.read_bytes())
    assert written[0] == written[1]
    assert load_experiment(experiment.resolved_config).config.tracking.is_on is False


def test_missing_file_and_broken_yaml(tmp_path):
    with pytest.raises(ConfigError, match="cannot read"):
        load_experiment(tmp_path / "none.yaml")
    broken = tmp_path / "broken.yaml"
    broken.write_text("a: [1")
    with pytest.raises(ConfigError, match="not valid YAML"):
        load_experiment(broken)


def test_resolved_config_reads_back_equal(small_config, tmp_path):
    experiment = parse_experiment(small_config, source="my.yaml")
    resolved = tmp_path / "config.yaml"
    resolved.write_text(yaml.safe_dump(experiment.config.model_dump(mode="json")))
    assert load_experiment(resolved).config == experiment.config


def test_the_policy_is_an_act_unless_another_type_is_named(small_config):
    assert parse_config(small_config, source="test").policy.type == "act"
    small_config["policy"] = {"image_size": 96}
    assert parse_config(small_config, source="test").policy.image_size == 96
    small_config["policy"] = {"type": "smolvla", "lora": {"rank": 8}}
    assert parse_config(small_config, source="test").policy.lora.rank == 8
    for policy in ({"type": "act", "vlm": "tiny"}, {"type": "pi0"}, {"type": "smolvla", "lora": 1}):
        small_config["policy"] = policy
        with pytest.raises(ConfigError, match="policy"):
            parse_config(small_config, source="test")
