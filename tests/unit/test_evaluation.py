"""How an experiment chooses its evaluation, and what it refuses."""

import json

import pytest

from fedarm.errors import ConfigError
from fedarm.evaluation_jobs import recorded_digest, recorded_settings, replay_settings
from fedarm.experiment import parse_experiment
from fedarm.training_jobs import train_settings

HUB = {"source": "hub", "repo_id": "lerobot/svla_so100_pickplace", "held_out": 2}


def plan(config):
    return parse_experiment(config, source="my.yaml")


def refuse(config) -> str:
    with pytest.raises(ConfigError) as refused:
        plan(config)
    return str(refused.value)


@pytest.fixture
def field_config(small_config):
    small_config["datasets"] |= {"left": dict(HUB), "right": dict(HUB)}
    small_config["unseen"] = []
    del small_config["rollout"]
    return small_config


@pytest.fixture
def recorded_config(small_config, tmp_path):
    root = tmp_path / "rollout_left"
    (root / "meta").mkdir(parents=True)
    (root / "meta/info.json").write_text(json.dumps({"total_episodes": 4}))
    labels = tmp_path / "labels.csv"
    labels.write_text("episode,arm\n")
    small_config["evaluation"] = {
        "kind": "recorded",
        "labels": str(labels),
        "recordings": {"left": str(root)},
    }
    return small_config


def test_simulated_datasets_are_rolled_out(small_config):
    lab = plan(small_config)
    assert lab.evaluation.kind == "closed_loop"
    assert (lab.judged, lab.replayed) == (lab.evaluated, ())
    assert lab.judged_runs == lab.runs


def test_others_are_replayed(field_config):
    field = plan(field_config)
    assert field.evaluation.kind == "replay"
    assert (field.rolled_out, field.judged, field.judged_runs) == ((), (), ())
    assert field.replayed == ("left", "right")


def test_any_dataset_may_be_replayed(small_config):
    small_config["datasets"]["left"] = dict(HUB)
    assert "evaluation: {kind: replay}" in refuse(small_config)
    small_config["evaluation"] = {"kind": "replay"}
    experiment = plan(small_config)
    assert experiment.replayed == ("left", "right", "other")
    settings = replay_settings(experiment, experiment.run("central", 0))
    scenes = {each.source.name: each.scene and each.scene.task for each in settings.datasets}
    assert scenes == {"left": None, "right": "sorting", "other": "pickplace"}
    assert [each.unseen for each in settings.datasets] == [False, False, True]


def test_closed_loop_needs_scenes(field_config):
    field_config["evaluation"] = {"kind": "closed_loop"}
    message = refuse(field_config)
    assert "evaluation.kind" in message
    assert "['left', 'right']" in message


def test_only_some_arms_and_tasks_need_have_been_on_the_real_arm(recorded_config):
    experiment = plan(recorded_config)
    assert experiment.judged == ("left",)
    assert experiment.replayed == experiment.evaluated
    assert {run.name for run in experiment.judged_runs} == {"central", "fedprox"}
    recorded_config["evaluation"]["arms"] = ["central", "local"]
    names = {run.name for run in plan(recorded_config).judged_runs}
    assert names == {"central", "local_left", "local_right"}


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"recordings": {"lft": "x"}}, ["evaluation.recordings", "did you mean 'left'"]),
        ({"recordings": {"other": "x"}}, ["evaluation.recordings", "left, right"]),
        ({"recordings": {}}, ["evaluation.recorded.recordings", "at least 1"]),
        ({"arms": ["central", "fedprx"]}, ["evaluation.arms", "did you mean 'fedprox'"]),
        ({"arms": ["fedprox"]}, ["evaluation.arms", "add 'central'"]),
        ({"label": "x"}, ["evaluation.recorded.label", "did you mean 'labels'"]),
        ({"kind": "recrded"}, ["evaluation", "did you mean 'recorded'"]),
        ({"video_size": 304}, ["evaluation.recorded.video_size", "320"]),
    ],
)
def test_mistakes_are_named(recorded_config, changes, says):
    recorded_config["evaluation"] |= changes
    message = refuse(recorded_config)
    for part in says:
        assert part in message


def test_labels_and_recordings_count_with_their_content(recorded_config, tmp_path):
    digests = [recorded_digest(plan(recorded_config))]
    (tmp_path / "labels.csv").write_text("episode,arm\n0,central\n")
    digests.append(recorded_digest(plan(recorded_config)))
    (tmp_path / "rollout_left/meta/info.json").write_text("{}")
    digests.append(recorded_digest(plan(recorded_config)))
    assert len(set(digests)) == 3
    assert recorded_digest(plan(recorded_config)) == digests[-1]


def test_labels_and_recordings_that_are_not_there(recorded_config, tmp_path):
    (tmp_path / "labels.csv").unlink()
    with pytest.raises(ConfigError, match="fedarm evaluation sheet"):
        recorded_digest(plan(recorded_config))
    (tmp_path / "labels.csv").write_text("episode\n")
    recorded_config["evaluation"]["recordings"]["left"] = str(tmp_path / "nowhere")
    with pytest.raises(ConfigError, match=r"evaluation\.recordings\.left"):
        recorded_digest(plan(recorded_config))


def test_an_evaluation_makes_no_training_stale(recorded_config):
    def digests(config):
        experiment = plan(config)
        return [train_settings(experiment, run).digest() for run in experiment.runs]

    before = digests(recorded_config)
    recorded_config["evaluation"] = {"kind": "replay", "videos": 0}
    assert digests(recorded_config) == before
    del recorded_config["evaluation"]
    assert digests(recorded_config) == before


def test_a_replay_depends_on_what_is_held_out_and_on_its_films(recorded_config):
    def digest(config):
        experiment = plan(config)
        return replay_settings(experiment, experiment.run("local_left", 0)).digest()

    found = [digest(recorded_config)]
    recorded_config["datasets"]["right"]["held_out"] = 2
    found.append(digest(recorded_config))
    recorded_config["evaluation"]["videos"] = 3
    found.append(digest(recorded_config))
    recorded_config["compare"] = {"margins": [0.3]}
    assert len({*found, digest(recorded_config)}) == 3


@pytest.mark.parametrize(
    "settings",
    [
        lambda experiment: replay_settings(experiment, experiment.run("central", 0)),
        recorded_settings,
        recorded_digest,
    ],
)
def test_other_stages_settings_are_refused(small_config, settings):
    with pytest.raises(ConfigError, match=r"evaluation\.kind"):
        settings(plan(small_config))
