"""Experiments on made-up recordings, each with its base policy."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from fedarm.experiment import Experiment
from fedarm.training.arms import train_base
from fedarm.training_jobs import train_settings
from tests.unit.conftest import SMALL
from tests.unit.training.synthetic import make_experiment

FEDAVG = {"kind": "federated", "strategy": "fedavg"}
FEDPROX = {"kind": "federated", "strategy": "fedprox"}


def raw_experiment(**changes: Any) -> dict[str, Any]:
    """Two clients, an unseen set, random starting weights; 3 rounds of 2 steps a client."""
    raw = copy.deepcopy(SMALL)
    return {
        **raw,
        "base": {"kind": "none"},
        "federation": {"rounds": 3},
        "training": {**raw["training"], "samples": 96, "held_out_rows": 4},
        "arms": {
            **raw["arms"],
            "fedavg": FEDAVG,
            "fedavgm": {"kind": "federated", "strategy": "fedavgm", "server_momentum": 0.5},
            "fedprox": {**FEDPROX, "mu": 0.5},
            "averaging": {**FEDPROX, "mu": 0.5, "optimizer_state": "average"},
            "fedprox_zero": {**FEDPROX, "mu": 0.0},
        },
        "rollout": {"episodes": 8},
        **changes,
    }


@pytest.fixture(scope="session")
def make(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Experiment]:
    """Make an experiment in a folder of its own."""

    def make(**changes: Any) -> Experiment:
        folder = tmp_path_factory.mktemp("experiment")
        experiment = make_experiment(raw_experiment(**changes), folder)
        train_base(train_settings(experiment, experiment.base_run))
        return experiment

    return make


@pytest.fixture(scope="session")
def experiment(make: Callable[..., Experiment]) -> Experiment:
    """The experiment that most tests share; train in other folders."""
    return make()
