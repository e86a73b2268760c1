from dataclasses import replace

import numpy as np
import pytest
import torch

from fedarm.errors import CheckpointError
from fedarm.policies.checkpoint import load_pretrained
from fedarm.policies.normalization import Normalizer
from fedarm.training.inputs import policy_inputs
from fedarm.training.loop import DivergenceError, LocalTrainer, trainable_parameters

STEPS = 6


def _fresh(settings):
    return load_pretrained(settings.start, expected=settings.policy).policy


def _trainer(policy, rows, settings, **changes) -> LocalTrainer:
    arguments = {
        "settings": settings,
        "statistics": rows.sums().statistics(),
        "clients": settings.run.clients,
        "round_number": 1,
        "rounds": 1,
        "steps": STEPS,
    }
    return LocalTrainer(policy, rows, **(arguments | changes))


def _without_dropout(policy):
    for module in policy.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
        elif isinstance(module, torch.nn.MultiheadAttention):
            module.dropout = 0.0
    return policy


def _weights(policy) -> torch.Tensor:
    return torch.cat([value.detach().ravel() for value in policy.parameters()])


def test_a_step_is_adamw_on_the_clipped_gradient_of_the_policys_loss(central, rows):
    """Written out once more with nothing of the loop's own, for two steps."""
    training = central.training.model_copy(update={"grad_clip_norm": 0.5})
    central = replace(central, training=training)
    trained, expected = _without_dropout(_fresh(central)), _without_dropout(_fresh(central))
    trainer = _trainer(trained, rows, central)
    losses = trainer.run(0, 2)

    statistics = rows.sums().statistics()
    normalizer = Normalizer(statistics, cameras=rows.cameras, device=torch.device("cpu"))
    optimizer = torch.optim.AdamW(
        expected.parameters(), lr=training.lr, weight_decay=training.weight_decay, foreach=False
    )
    expected.train()
    expected_losses = []
    for step, share in ((0, 1.0), (1, 0.05 + 0.95 * (1 + np.cos(np.pi / 5)) / 2)):
        batch = rows.batch(trainer._order.indices(step))
        loss, _ = expected.forward(policy_inputs(batch, normalizer))
        optimizer.zero_grad()
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(expected.parameters(), 0.5)
        assert norm > 0.5
        optimizer.param_groups[0]["lr"] = training.lr * share
        optimizer.step()
        expected_losses.append(loss.item())
    assert losses.policy_loss == pytest.approx(np.mean(expected_losses))
    # A hundredth of the learning rate: Adam divides by gradients that may be all but rounding.
    torch.testing.assert_close(_weights(trained), _weights(expected), rtol=0, atol=1e-5)


def test_training_lowers_the_loss(central, rows, start_policy):
    trainer = _trainer(start_policy, rows, central, steps=60)
    first, last = trainer.run(0, 20), trainer.run(20, 60)
    assert last.policy_loss < 0.8 * first.policy_loss


def test_losses_say_what_was_done(central, rows, start_policy):
    before = _weights(start_policy)
    seen = []
    losses = _trainer(start_policy, rows, central).run(0, 3, advance=seen.append)
    assert losses.samples == 3 * central.training.batch_size
    assert seen == [central.training.batch_size] * 3
    assert losses.proximal_term == 0.0
    moved = (_weights(start_policy) - before).norm().item()
    assert losses.update_norm == pytest.approx(moved, rel=1e-5)


def test_the_same_seeds_give_the_same_bytes_whatever_the_global_generator(central, rows):
    results = []
    for global_seed in (1, 2):
        torch.manual_seed(global_seed)
        policy = _fresh(central)
        _trainer(policy, rows, central).run(0, STEPS)
        results.append(_weights(policy))
    assert torch.equal(*results)


def test_dropout_is_drawn_anew_each_step(central, rows, start_policy):
    """Its seed is a function of the step, so a constant one would be easy to write."""
    trainer = _trainer(start_policy, rows, central)
    draws = []
    for step in (0, 1, 0):
        with trainer._seeded(step):
            draws.append(torch.rand(4).tolist())
    assert draws[0] == draws[2] != draws[1]


@pytest.mark.parametrize("mu", [0.0, 0.1])
def test_cut_in_two_and_resumed_it_has_the_bytes_of_the_whole(central, rows, mu):
    whole = _fresh(central)
    _trainer(whole, rows, central, mu=mu).run(0, STEPS)

    cut = _fresh(central)
    first = _trainer(cut, rows, central, mu=mu)
    first.run(0, 2)
    state = {name: value.copy() for name, value in first.optimizer_state().items()}
    if mu:
        # The term pulls to where the round began, so a round is only cut within one trainer.
        second = first
    else:
        second = _trainer(cut, rows, central)
        second.load_optimizer_state({**state, "something/else": np.zeros(1, np.float32)})
    second.run(2, STEPS)
    assert torch.equal(_weights(cut), _weights(whole))


def test_without_its_optimizers_moments_it_would_not_be_the_same(central, rows):
    whole, cut = _fresh(central), _fresh(central)
    _trainer(whole, rows, central).run(0, STEPS)
    _trainer(cut, rows, central).run(0, 2)
    _trainer(cut, rows, central).run(2, STEPS)
    assert not torch.equal(_weights(cut), _weights(whole))


def test_moments_of_another_policy_are_refused(central, rows, start_policy):
    trainer = _trainer(start_policy, rows, central)
    with pytest.raises(CheckpointError, match="not that of this policy"):
        trainer.load_optimizer_state({})
    trainer.run(0, 1)
    state = {
        name: value[..., :1] for name, value in trainer.optimizer_state().items() if value.ndim
    }
    with pytest.raises(CheckpointError, match="not that of this policy"):
        trainer.load_optimizer_state(state)


def test_the_proximal_term_is_zero_at_first_and_pulls_from_the_second_step_on(central, rows):
    policy = _fresh(central)
    trainer = _trainer(policy, rows, central, mu=0.1)
    terms = [trainer.run(step, step + 1).proximal_term for step in range(3)]
    assert terms[0] == 0.0
    assert min(terms[1:]) > 0.0
    for parameter in trainable_parameters(policy).values():
        parameter.grad = None
    trainer._proximal.add_gradient()
    assert all(value.grad.norm() > 0 for value in trainable_parameters(policy).values())


def test_a_stronger_pull_keeps_the_weights_closer(central, rows):
    moved = {}
    for mu in (0.0, 10.0):
        policy = _fresh(central)
        moved[mu] = _trainer(policy, rows, central, mu=mu, steps=30).run(0, 30).update_norm
    assert moved[10.0] < 0.7 * moved[0.0]


def test_mu_0_is_no_term_at_all(central, rows):
    policies = [_fresh(central), _fresh(central)]
    _trainer(policies[0], rows, central).run(0, STEPS)
    _trainer(policies[1], rows, central, mu=0.0).run(0, STEPS)
    assert torch.equal(*map(_weights, policies))


def test_a_frozen_parameter_stays(central, rows, start_policy):
    start_policy.model.backbone.requires_grad_(False)
    before = _weights(start_policy.model.backbone)
    trainer = _trainer(start_policy, rows, central, mu=0.1)
    trainer.run(0, 2)
    assert torch.equal(_weights(start_policy.model.backbone), before)
    assert not any("backbone" in name for name in trainer.optimizer_state())


def test_divergence_names_the_step_and_the_rate(central, rows, start_policy):
    settings = replace(central, training=central.training.model_copy(update={"lr": 1e30}))
    with pytest.raises(DivergenceError, match=r"step \d+ of round 3") as error:
        _trainer(start_policy, rows, settings, round_number=3, rounds=3).run(0, STEPS)
    assert "training.lr" in str(error.value)


def test_bfloat16_computes_in_16_bits_and_keeps_32_bit_weights(central, rows):
    policies = [_fresh(central), _fresh(central)]
    half = replace(central, training=central.training.model_copy(update={"precision": "bfloat16"}))
    losses = [
        _trainer(policy, rows, settings).run(0, 3).policy_loss
        for policy, settings in zip(policies, (central, half), strict=True)
    ]
    assert losses[1] != losses[0]
    assert losses[1] == pytest.approx(losses[0], rel=0.02)
    assert {value.dtype for value in policies[1].parameters()} == {torch.float32}
    again = _fresh(central)
    _trainer(again, rows, half).run(0, 3)
    assert torch.equal(_weights(again), _weights(policies[1]))


def test_a_factor_on_the_rate_is_a_higher_rate(central, rows):
    higher = replace(central, training=central.training.model_copy(update={"lr": 0.006}))
    policies = [_fresh(central), _fresh(central)]
    _trainer(policies[0], rows, central, lr_factor=2.0).run(0, STEPS)
    _trainer(policies[1], rows, higher).run(0, STEPS)
    assert central.training.lr == 0.003
    torch.testing.assert_close(_weights(policies[0]), _weights(policies[1]), rtol=0, atol=1e-6)
