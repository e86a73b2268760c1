"""A small valid experiment that tests bend, and a small sound dataset."""

import copy
from typing import Any

import pytest

SMALL: dict[str, Any] = {
    "experiment": "small",
    "seeds": [0, 1],
    "datasets": {
        "left": {"source": "sim", "tasks": ["pickplace"], "episodes": 4, "held_out": 1},
        "right": {"source": "sim", "tasks": ["sorting"], "episodes": 4, "held_out": 1},
        "other": {
            "source": "sim",
            "tasks": ["pickplace"],
            "variants": ["new_look"],
            "episodes": 1,
            "held_out": 1,
        },
        "pool": {
            "source": "sim",
            "tasks": ["pickplace", "sorting"],
            "variants": ["pool_a"],
            "episodes": 2,
        },
    },
    "clients": ["left", "right"],
    "unseen": ["other"],
    "base": {"kind": "pretrain", "datasets": ["pool"], "samples": 64, "batch_size": 8, "lr": 0.001},
    "training": {"samples": 256, "batch_size": 8, "lr": 0.001, "keep_every": 1},
    "federation": {"rounds": 4},
    "arms": {
        "base": {"kind": "base"},
        "local": {"kind": "local"},
        "central": {"kind": "central"},
        "fedprox": {"kind": "federated", "strategy": "fedprox", "mu": 0.01},
    },
    "rollout": {"episodes": 2, "progress": {"rounds": [2], "episodes": 1}},
    "compare": {},
}


@pytest.fixture
def small_config() -> dict[str, Any]:
    """Return the small experiment as plain values, free to change."""
    return copy.deepcopy(SMALL)


@pytest.fixture(scope="session")
def lab(tmp_path_factory):
    """Return a sound dataset; do not change it."""
    from fedarm.sim.recording import record_dataset

    root = tmp_path_factory.mktemp("lab") / "pickplace"
    record_dataset(
        root,
        tasks=["pickplace"],
        variants=["standard"],
        episodes=5,
        seed=3,
        image_size=64,
        workers=1,
    )
    return root
