import numpy as np
import pytest
import torch

from fedarm.policies.normalization import Normalizer
from fedarm.training.held_out import held_out_loss, held_out_losses
from fedarm.training.inputs import policy_inputs
from fedarm.training.rows import load_held_out_rows


@pytest.fixture
def held_out(central):
    return load_held_out_rows(central.evaluated[0], central.policy.chunk_size, limit=1000)


def test_it_is_the_mean_absolute_error_over_actions_that_exist(
    central, rows, held_out, start_policy
):
    statistics = rows.sums().statistics()
    normalizer = Normalizer(statistics, cameras=rows.cameras, device=torch.device("cpu"))
    batch = held_out.batch(np.arange(len(held_out)))
    inputs = policy_inputs(batch, normalizer)
    predicted = start_policy.eval().predict_action_chunk(inputs)
    error = (predicted - inputs["action"]).abs().mean(dim=-1).numpy()
    assert batch.is_pad.any()
    loss = held_out_loss(start_policy, held_out, statistics)
    assert loss == pytest.approx(error[~batch.is_pad].mean(), rel=1e-5)


def test_batches_weigh_as_many_actions_as_they_hold(
    rows, held_out, start_policy, monkeypatch: pytest.MonkeyPatch
):
    statistics = rows.sums().statistics()
    whole = held_out_loss(start_policy, held_out, statistics)
    monkeypatch.setattr("fedarm.training.held_out._BATCH_SIZE", 4)
    assert held_out_loss(start_policy, held_out, statistics) == pytest.approx(whole, rel=1e-5)


@pytest.mark.parametrize("training", [True, False])
def test_it_is_repeatable_and_leaves_the_policy_as_it_was(rows, held_out, start_policy, training):
    statistics = rows.sums().statistics()
    start_policy.train(training)
    before = {name: value.clone() for name, value in start_policy.state_dict().items()}
    first = held_out_loss(start_policy, held_out, statistics)
    assert first == held_out_loss(start_policy, held_out, statistics)
    assert start_policy.training is training
    for name, value in start_policy.state_dict().items():
        assert torch.equal(value, before[name])
    assert all(parameter.grad is None for parameter in start_policy.parameters())


def test_losses_are_named_by_dataset(rows, held_out, start_policy):
    statistics = rows.sums().statistics()
    losses = held_out_losses(start_policy, {"left": held_out, "again": held_out}, statistics)
    assert losses == dict.fromkeys(
        ("left", "again"), held_out_loss(start_policy, held_out, statistics)
    )
