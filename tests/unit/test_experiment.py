"""What an experiment consists of, and what makes which stage stale."""

import pytest

from fedarm import settings
from fedarm.errors import ConfigError
from fedarm.evaluation_jobs import reels, rollout_settings
from fedarm.experiment import parse_experiment
from fedarm.training_jobs import train_settings


def digests(config):
    experiment = parse_experiment(config, source="my.yaml")
    return {
        "versions": {name: experiment.version(name) for name in experiment.datasets},
        "train": {
            (run.name, run.seed): train_settings(experiment, run).digest()
            for run in experiment.runs
        },
        "rollout": {
            (run.name, run.seed): rollout_settings(experiment, run).digest()
            for run in experiment.runs
        },
    }


def test_runs_are_arms_times_seeds(small_config):
    experiment = parse_experiment(small_config, source="my.yaml")
    names = [f"{run.name}/{run.seed}" for run in experiment.runs]
    assert names == [
        "base/0",
        "local_left/0",
        "local_right/0",
        "local_left/1",
        "local_right/1",
        "central/0",
        "central/1",
        "fedprox/0",
        "fedprox/1",
    ]


def test_budgets_are_equal(small_config):
    experiment = parse_experiment(small_config, source="my.yaml")
    central = train_settings(experiment, experiment.run("central", 0))
    federated = train_settings(experiment, experiment.run("fedprox", 0))
    local = train_settings(experiment, experiment.run("local_left", 0))
    batch = small_config["training"]["batch_size"]
    clients = 2
    assert central.samples == 256
    assert federated.local_steps * batch * federated.rounds * clients == 256
    assert local.samples * clients == 256
    assert central.steps * batch == 256
    assert local.steps == federated.local_steps * federated.rounds


def test_the_base_may_have_a_schedule_of_its_own(small_config):
    def schedules(config) -> tuple[str, str]:
        experiment = parse_experiment(config, source="my.yaml")
        runs = experiment.base_run, experiment.run("central", 0)
        return tuple(train_settings(experiment, run).training.schedule.kind for run in runs)

    assert schedules(small_config) == ("cosine", "cosine")
    small_config["base"]["schedule"] = {"kind": "constant"}
    assert schedules(small_config) == ("constant", "cosine")


def test_margin_leaves_training_and_rollouts_alone(small_config):
    before = digests(small_config)
    small_config["compare"] = {"margins": [0.3]}
    assert digests(small_config) == before


def test_one_clients_episodes_touch_that_dataset_and_its_dependants(small_config):
    before = digests(small_config)
    small_config["datasets"]["left"]["episodes"] = 5
    after = digests(small_config)
    changed = {
        name for name in after["versions"] if after["versions"][name] != before["versions"][name]
    }
    assert changed == {"left"}
    assert after["train"]["central", 0] != before["train"]["central", 0]
    assert after["train"]["local_left", 0] != before["train"]["local_left", 0]
    assert after["train"]["local_right", 0] == before["train"]["local_right", 0]
    assert after["train"]["base", 0] == before["train"]["base", 0]


def test_split_is_no_part_of_the_recipe(small_config):
    before = digests(small_config)
    small_config["datasets"]["left"]["held_out"] = 2
    after = digests(small_config)
    assert after["versions"] == before["versions"]
    assert after["train"]["central", 0] != before["train"]["central", 0]


def test_results_folder_is_no_part_of_any_digest(small_config, tmp_path):
    before = digests(small_config)
    small_config["results_dir"] = str(tmp_path)
    assert digests(small_config) == before


def test_unknown_run(small_config):
    experiment = parse_experiment(small_config, source="my.yaml")
    with pytest.raises(ConfigError, match="did you mean 'central/seed1'"):
        experiment.run("centrl", 1)


def test_the_gate_depends_on_every_datasets_version_and_role(small_config):
    experiment = parse_experiment(small_config, source="my.yaml")
    before = experiment.gate_settings()
    assert set(before["client"]) == {"left", "right"}
    assert {name for group in before.values() for name in group} == set(experiment.datasets)

    small_config["datasets"]["left"]["episodes"] += 1
    after = parse_experiment(small_config, source="my.yaml").gate_settings()
    assert after["client"]["left"] != before["client"]["left"]
    assert after["client"]["right"] == before["client"]["right"]
    assert (after["unseen"], after["pool"]) == (before["unseen"], before["pool"])


def test_the_type_in_which_weights_travel_counts_when_it_is_set(small_config, monkeypatch):
    """Runs trained before there was a choice do not become stale by it."""
    before = digests(small_config)
    small_config["federation"]["exchange_dtype"] = "bfloat16"
    after = digests(small_config)
    changed = {run for run, digest in after["train"].items() if digest != before["train"][run]}
    assert changed == {("fedprox", 0), ("fedprox", 1)}

    monkeypatch.setattr(settings, "digest_value", sorted)
    for dtype, counts in (("float32", False), ("bfloat16", True)):
        small_config["federation"]["exchange_dtype"] = dtype
        experiment = parse_experiment(small_config, source="my.yaml")
        digested = train_settings(experiment, experiment.run("fedprox", 0)).digest()
        assert ("exchange_dtype" in digested) is counts


def test_reels_show_every_arm_and_the_rounds_of_the_watched_ones(small_config):
    found = {reel.name: reel for reel in reels(parse_experiment(small_config, source="my.yaml"))}
    shown = {
        name: [[(tile.run.name, tile.round) for tile in row] for row in reel.rows]
        for name, reel in found.items()
    }
    everyone = [("base", 0), ("local_left", 4), ("central", 4), ("fedprox", 4)]
    assert shown["arms_left"] == [everyone]
    assert shown["arms_other"] == [[arm for arm in everyone if not arm[0].startswith("local")]]
    rounds = [[("base", 0), (name, 2), (name, 4)] for name in ("central", "fedprox")]
    assert shown["progress_left"] == shown["progress_right"] == rounds
    assert {reel.dataset for reel in found.values()} == {"left", "right", "other"}
    assert {tile.run.seed for reel in found.values() for row in reel.rows for tile in row} == {0}


def test_there_are_no_reels_without_films(small_config):
    small_config["rollout"]["videos"] = 0
    assert reels(parse_experiment(small_config, source="my.yaml")) == ()
