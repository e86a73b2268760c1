"""What travels arrives as it was."""

import numpy as np
import pytest
import torch
from flwr.app import MetricRecord

from fedarm.data.statistics import FeatureSums, Sums
from fedarm.errors import CheckpointError
from fedarm.federated.records import (
    load_weights,
    losses_in,
    number_in,
    optimizer_in,
    pack_config,
    pack_losses,
    pack_sums,
    pack_weights,
    settings_in,
    statistics_in,
    sums_in,
)
from fedarm.training.loop import StepLosses
from tests.unit.training.synthetic import settings_of


def network() -> torch.nn.Module:
    torch.manual_seed(0)
    return torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.Linear(2, 1))


def test_settings_arrive_unchanged(experiment):
    for run in experiment.runs:
        settings = settings_of(experiment, run.name, run.seed)
        assert settings_in(pack_config(settings)) == settings


def test_statistics_keep_every_digit(experiment):
    settings = settings_of(experiment, "fedprox", 0)
    sent = {"camera": {"mean": np.random.default_rng(0).normal(size=(3, 1, 1)), "std": np.ones(1)}}
    received = statistics_in(pack_config(settings, sent))
    assert received["camera"]["mean"].dtype == np.float64
    assert received["camera"]["mean"].shape == (3, 1, 1)
    assert received["camera"]["mean"].tobytes() == sent["camera"]["mean"].tobytes()


def test_sums_arrive_unchanged():
    values = np.random.default_rng(0).normal(size=(3, 1, 1))
    sums = sums_in(pack_sums(FeatureSums({"camera": Sums(2**40 + 1, values, values**2)})))
    assert sums.features["camera"].count == 2**40 + 1
    assert sums.features["camera"].sum.tobytes() == values.tobytes()
    assert sums.features["camera"].sum_of_squares.tobytes() == (values**2).tobytes()


def test_losses_arrive_unchanged():
    losses = StepLosses(policy_loss=0.1, proximal_term=0.2, samples=32, update_norm=0.3)
    assert losses_in(pack_losses(losses, rows=7)) == losses


def test_weights_arrive_unchanged():
    sender, receiver = network(), network()
    with torch.no_grad():
        sender[0].weight.add_(1 / 3)
    load_weights(receiver, pack_weights(sender))
    assert torch.equal(sender[0].weight, receiver[0].weight)


def test_moments_travel_beside_the_weights():
    policy = torch.nn.Linear(2, 1)
    moments = {
        "optimizer/weight/exp_avg": np.array([[1.0, 2.0]], np.float32),
        "optimizer/bias/exp_avg": np.array([4.0], np.float32),
        "optimizer/weight/step": np.array(3.0, np.float32),
        "optimizer/bias/step": np.array(5.0, np.float32),
    }
    record = pack_weights(policy, moments)
    arrived = optimizer_in(record)
    assert set(arrived) == set(moments)
    assert all(np.array_equal(arrived[name], moments[name]) for name in moments)
    assert arrived["optimizer/weight/step"].shape == ()
    # One array for all counts: each array costs as much as a few thousand numbers.
    assert sum("step" in name for name in record) == 1
    load_weights(policy, record)
    assert optimizer_in(pack_weights(policy)) == {}


def test_only_trainable_weights_travel():
    policy = network()
    policy[0].requires_grad_(False)
    record = pack_weights(policy)
    assert list(record) == ["1.weight", "1.bias"]
    assert {array.dtype for array in record.values()} == {"float32"}


def test_weights_of_another_architecture_are_refused():
    other = torch.nn.Sequential(torch.nn.Linear(4, 2), torch.nn.Linear(2, 1))
    with pytest.raises(CheckpointError, match=r"another architecture\n.*0\.weight"):
        load_weights(network(), pack_weights(other))


def test_a_list_is_not_a_number():
    with pytest.raises(TypeError, match="not a number"):
        number_in(MetricRecord({"loss": [1.0, 2.0]}), "loss")
