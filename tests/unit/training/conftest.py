"""A small experiment on made-up recordings, whose base policy is trained once."""

from __future__ import annotations

import copy
from pathlib import Path

import pytest
import torch

from fedarm.experiment import Experiment
from fedarm.policies.checkpoint import load_pretrained
from fedarm.settings import TrainSettings
from fedarm.training.arms import train_base
from fedarm.training.rows import TrainRows, load_train_rows

from ..conftest import SMALL
from .synthetic import make_experiment, moved, settings_of


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def experiment(tmp_path_factory: pytest.TempPathFactory) -> Experiment:
    """The experiment with its base policy; do not change its files."""
    raw = copy.deepcopy(SMALL)
    raw["training"] |= {"samples": 128, "lr": 0.003}
    experiment = make_experiment(raw, tmp_path_factory.mktemp("results"))
    train_base(settings_of(experiment, "base", 0))
    return experiment


@pytest.fixture
def central(experiment: Experiment, tmp_path: Path) -> TrainSettings:
    """Settings of the central run, with a folder of its own for what it writes."""
    return moved(settings_of(experiment, "central", 0), tmp_path)


@pytest.fixture
def fedprox(experiment: Experiment, tmp_path: Path) -> TrainSettings:
    """Settings of the federated run, with a folder of its own for what it writes."""
    return moved(settings_of(experiment, "fedprox", 0), tmp_path)


@pytest.fixture(scope="session")
def rows(experiment: Experiment) -> TrainRows:
    """The pooled train rows of the experiment's clients."""
    settings = settings_of(experiment, "central", 0)
    return load_train_rows(settings.sources, settings.policy.chunk_size)


@pytest.fixture
def start_policy(central: TrainSettings):
    """A fresh copy of the base policy."""
    return load_pretrained(central.start, expected=central.policy).policy
