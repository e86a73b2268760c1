"""Experiments on recorded datasets are planned, without a network, as far as their evaluation."""

import json

import pytest

from tests.e2e.workflow import Workflow

CONFIG = """
experiment: field
seeds: [0, 1]
datasets:
  pickplace: {source: hub, repo_id: lerobot/svla_so100_pickplace, held_out: 2}
  stacking:
    source: hub
    repo_id: lerobot/svla_so100_stacking
    held_out: 2
    hotfixes: [{fix: declared_rows}]
clients: [pickplace, stacking]
base: {kind: none}
training: {samples: 256, batch_size: 16, lr: 0.0005, keep_every: 1}
federation: {rounds: 2}
arms:
  local: {kind: local}
  central: {kind: central}
  fedprox: {kind: federated, strategy: fedprox, mu: 0.01}
"""
ON_A_REAL_ARM = """
evaluation:
  kind: recorded
  labels: labels.csv
  recordings: {pickplace: rollout_pickplace}
"""


@pytest.fixture(scope="module")
def workflow(tmp_path_factory):
    return Workflow.copy_to(tmp_path_factory.mktemp("field") / "copy")


def test_the_field_is_planned_as_far_as_the_replays_report(workflow):
    (workflow.root / "field.yaml").write_text(CONFIG)
    planned = workflow.stale_jobs("--configfile", "field.yaml")
    assert planned["fetch_dataset"] == planned["check_dataset"] == planned["cache_frames"] == 2
    assert planned["train_base"] == 1
    assert planned["train_central"] == planned["train_local"] == planned["train_federated"] == 2
    # One job for each of local_pickplace, local_stacking, central and fedprox.
    assert planned["replay_arm"] == 4
    assert planned["compare_arms"] == planned["write_manifest"] == 1
    assert not {"get_dataset", "rollout_arm", "analyze_videos", "collect_recorded"} & set(planned)


def test_labels_of_a_real_arm_add_their_collection_alone(workflow):
    (workflow.root / "real.yaml").write_text(CONFIG + ON_A_REAL_ARM)
    refused = workflow.snakemake("--dry-run", "--configfile", "real.yaml")
    assert refused.returncode != 0
    assert "fedarm evaluation sheet" in refused.stdout
    assert "Traceback" not in refused.stdout

    (workflow.root / "labels.csv").write_text("episode,arm,seed,initial_condition,success\n")
    info = workflow.root / "rollout_pickplace/meta/info.json"
    info.parent.mkdir(parents=True)
    info.write_text(json.dumps({"total_episodes": 4}))
    planned = workflow.stale_jobs("--configfile", "real.yaml")
    assert planned["collect_recorded"] == 1
    # The reference and the federated arm; local policies were not on the real arm.
    assert planned["analyze_videos"] == 2
    assert planned["replay_arm"] == 4
    assert planned["compare_arms"] == planned["write_manifest"] == 1
    assert "rollout_arm" not in planned


def test_the_field_experiment_is_planned(workflow):
    planned = workflow.stale_jobs("--configfile", "configs/so100_smolvla.yaml")
    assert planned["fetch_dataset"] == planned["train_local"] == 4
    # One base for all, made from the checkpoint and for the cameras that the clients' frames have.
    assert planned["train_base"] == 1
    assert planned["replay_arm"] == 6
    assert planned["compare_arms"] == 1
