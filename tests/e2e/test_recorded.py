"""An experiment on datasets of the hub is planned without a network."""

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
rollout: {episodes: 8}
"""


def test_the_field_is_planned_as_far_as_training(tmp_path):
    workflow = Workflow.copy_to(tmp_path / "copy")
    (workflow.root / "field.yaml").write_text(CONFIG)
    planned = workflow.stale_jobs("--configfile", "field.yaml")
    assert planned["fetch_dataset"] == planned["check_dataset"] == planned["cache_frames"] == 2
    assert planned["train_base"] == 1
    assert planned["train_central"] == planned["train_local"] == planned["train_federated"] == 2
    assert not {"get_dataset", "rollout_arm", "compare_arms"} & set(planned)


def test_the_field_experiment_is_planned(tmp_path):
    workflow = Workflow.copy_to(tmp_path / "copy")
    planned = workflow.stale_jobs("--configfile", "configs/so100_smolvla.yaml")
    assert planned["fetch_dataset"] == planned["train_local"] == 4
    # One base for all, made from the checkpoint and for the cameras that the clients' frames have.
    assert planned["train_base"] == 1
