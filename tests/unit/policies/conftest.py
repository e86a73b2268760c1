"""A tiny policy, its statistics, and its checkpoint."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from fedarm import config_policies
from fedarm.policies.checkpoint import LoadedPolicy, save_pretrained
from fedarm.policies.presets import build_policy, so101_features

TINY = config_policies.ActPolicy(
    image_size=32, chunk_size=4, n_action_steps=2, dim_model=16, n_heads=2, dim_feedforward=32
)
CAMERA = "observation.images.front"


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture
def tiny() -> LoadedPolicy:
    """A random policy with statistics that no two channels share."""
    rng = np.random.default_rng(1)
    shapes = {"observation.state": (6,), "action": (6,), CAMERA: (3, 1, 1)}
    statistics = {
        # Rounded to 32 bits, as a checkpoint keeps them.
        key: {
            "mean": rng.normal(size=shape).astype(np.float32).astype(np.float64),
            "std": rng.uniform(0.01, 9, size=shape).astype(np.float32).astype(np.float64),
        }
        for key, shape in shapes.items()
    }
    return LoadedPolicy(build_policy(TINY, so101_features(32), seed=3), statistics)


@pytest.fixture
def checkpoint(tiny: LoadedPolicy, tmp_path: Path) -> Path:
    """The folder that the tiny policy is saved in."""
    folder = tmp_path / "pretrained_model"
    save_pretrained(tiny.policy, tiny.statistics, folder)
    return folder
