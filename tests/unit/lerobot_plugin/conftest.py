"""A checkpoint for LeRobot's commands."""

import numpy as np
import pytest

from fedarm import config_policies
from fedarm.policies.checkpoint import save_pretrained
from fedarm.policies.presets import build_policy, so101_features
from fedarm.sim.simulation import HOME_DEG


@pytest.fixture(scope="package")
def checkpoint(tmp_path_factory):
    """A policy with random weights whose actions depend on the picture."""
    policy = build_policy(config_policies.ActPolicy(chunk_size=16), so101_features(64), seed=1)
    joints = {"mean": np.array(HOME_DEG), "std": np.full(6, 30.0)}
    pixels = {"mean": np.full((3, 1, 1), 0.5), "std": np.full((3, 1, 1), 0.05)}
    statistics = {
        "observation.images.front": pixels,
        "observation.state": joints,
        "action": joints,
    }
    folder = tmp_path_factory.mktemp("checkpoint") / "pretrained_model"
    save_pretrained(policy, statistics, folder)
    return folder
