"""`lerobot-rollout` takes a checkpoint and commands an arm as fedarm's own controller would."""

import sys

import numpy as np
import pytest

from fedarm.rollout.actor import load_actor
from fedarm.sim.simulation import HOME_DEG

STEPS = 8


@pytest.mark.slow
def test_an_arm_is_commanded_as_in_our_rollouts(checkpoint, monkeypatch, tmp_path):
    from lerobot.scripts.lerobot_rollout import rollout

    from tests.unit.lerobot_plugin import stillarm

    arguments = {
        "policy.path": checkpoint,
        # Where the vision backbone is; LeRobot passes whatever begins with `--policy.` on to the policy.
        "robot.discover_packages_path": "fedarm.policies",
        "robot.type": "still_arm",
        "robot.calibration_dir": tmp_path,
        "fps": 100,
        "duration": 1,
        "device": "cpu",
        "return_to_initial_position": "false",
        "play_sounds": "false",
    }
    command = [f"--{name}={value}" for name, value in arguments.items()]
    monkeypatch.setattr(sys, "argv", ["lerobot-rollout", *command])
    rollout()

    chunk = load_actor(checkpoint).controller.predict(
        stillarm.IMAGE[None], np.array([HOME_DEG], dtype=np.float32)
    )
    sent = np.array(stillarm.commanded[:STEPS])
    # Matrix products round otherwise with another number of rows: one here, ten in our rollouts.
    np.testing.assert_allclose(sent, chunk[0, : len(sent)], atol=1e-3)
    assert len(sent) > 0
