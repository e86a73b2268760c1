"""What a federated run does with its own losses: the rules act on the clients, and survive a kill."""

import json

import pytest

from fedarm.federated import client_app
from tests.unit.federated.conftest import FEDAVG, FEDPROX
from tests.unit.federated.test_rounds import results_of, train_killed_after, trained
from tests.unit.training.synthetic import moved, settings_of

TRAINING = {"samples": 96, "batch_size": 8, "lr": 0.001, "held_out_rows": 4, "keep_every": 10}
STOP = {"patience": 1, "min_improvement": 0.9}


@pytest.fixture(scope="module")
def adapting(make):
    """Adaptive mu and clients that lag, an arm each, both on a plateau."""
    return make(
        training={
            **TRAINING,
            "schedule": {
                "kind": "constant",
                "plateau": {"patience": 1, "factor": 0.5, "min_improvement": 0.9},
            },
        },
        arms={
            "central": {"kind": "central"},
            "adaptive": {**FEDPROX, "mu": 0.5, "mu_step": 0.25, "optimizer_state": "average"},
            "lagging": {**FEDAVG, "lag_lr_limit": 4.0},
        },
    )


@pytest.fixture(scope="module")
def adaptive(adapting, tmp_path_factory):
    return trained(settings_of(adapting, "adaptive", 0), tmp_path_factory.mktemp("adaptive"))


def test_mu_and_rate_of_each_round_are_what_the_losses_ask_for(adapting, adaptive):
    rounds = adaptive[1]["rounds"][1:]
    assert rounds[0]["mu"] == 0.5
    losses = [
        sum(c["policy_loss"] for c in line["clients"].values()) / len(line["clients"])
        for line in rounds
    ]
    expected = 0.5
    for line, previous, loss in zip(rounds[2:], losses, losses[1:], strict=False):
        expected += 0.25 * (loss > previous)
        assert line["mu"] == expected
    assert [line["lr"]["first"] for line in rounds] == pytest.approx([0.001, 0.0005, 0.00025])


def test_a_raised_mu_reaches_the_clients(adapting, tmp_path, monkeypatch):
    """With every loss above the last, mu doubles; the term must feel it."""
    from fedarm.training import adaptation

    settings = settings_of(adapting, "adaptive", 0)
    constant = trained(settings, tmp_path / "constant")
    monkeypatch.setattr(adaptation, "adapted_mu", lambda losses, start, step: 100.0 * start)
    raised = trained(settings, tmp_path / "raised")
    terms = [run[1]["rounds"][1]["clients"]["left"]["proximal_term"] for run in (constant, raised)]
    assert terms[1] > 10 * terms[0] > 0


def test_a_client_that_lags_gets_a_higher_rate_and_only_then(adapting, tmp_path):
    settings = settings_of(adapting, "lagging", 0)
    _, metrics = trained(settings, tmp_path)
    start, first, second, _ = metrics["rounds"]
    assert first["client_lr_factors"] == {"left": 1.0, "right": 1.0}
    ratios = {c: first["held_out_loss"][c] / start["held_out_loss"][c] for c in ("left", "right")}
    mean = sum(ratios.values()) / 2
    expected = {client: max(1.0, ratio / mean) for client, ratio in ratios.items()}
    assert second["client_lr_factors"] == pytest.approx(expected)
    assert max(expected.values()) > 1.0 == min(expected.values())


def test_the_factor_of_a_client_is_its_own(make, tmp_path, monkeypatch):
    from fedarm.training import adaptation

    experiment = make(training=TRAINING, arms={"central": {"kind": "central"}, "fedavg": FEDAVG})
    settings = settings_of(experiment, "fedavg", 0)
    plain = trained(settings, tmp_path / "plain")
    monkeypatch.setattr(adaptation, "lag_factors", lambda *_, limit: {"left": 1.0, "right": 4.0})
    faster = trained(settings, tmp_path / "faster")
    norms = [
        {c: run[1]["rounds"][1]["clients"][c]["update_norm"] for c in ("left", "right")}
        for run in (plain, faster)
    ]
    assert norms[1]["left"] == norms[0]["left"]
    assert norms[1]["right"] > 2 * norms[0]["right"]


@pytest.mark.parametrize("killed_in", [1, 2])
def test_what_was_adapted_survives_a_kill(adapting, adaptive, tmp_path, monkeypatch, killed_in):
    settings = moved(settings_of(adapting, "adaptive", 0), tmp_path)
    train_killed_after(settings, monkeypatch, killed_in)
    assert results_of(settings) == adaptive


def test_a_federated_run_stops_early_and_says_so(make, tmp_path, monkeypatch):
    experiment = make(
        training={**TRAINING, "early_stop": STOP},
        arms={
            "central": {"kind": "central"},
            "fedavgm": {"kind": "federated", "strategy": "fedavgm", "server_momentum": 0.5},
        },
    )
    settings = settings_of(experiment, "fedavgm", 0)
    whole = trained(settings, tmp_path / "whole")
    metrics = whole[1]
    assert (metrics["samples"], metrics["budget_samples"]) == (32, 96)
    assert metrics["stopped_after_round"] == 1
    assert metrics["samples_per_client"] == {"left": 16, "right": 16}
    assert metrics["checkpoint"]["round"] == 3
    killed = moved(settings, tmp_path / "killed")
    train_killed_after(killed, monkeypatch, 1)
    assert results_of(killed) == whole
    assert json.loads(killed.metrics.read_text())["samples"] == 32


def test_rules_bear_a_client_that_is_excluded(make, tmp_path, monkeypatch):
    """Of round 1 the right client neither trains nor evaluates; training stops after round 2."""
    experiment = make(
        federation={"rounds": 3, "missing_reply": "exclude", "min_clients": 1},
        training={**TRAINING, "early_stop": {**STOP, "patience": 2}},
        arms={"central": {"kind": "central"}, "lagging": {**FEDAVG, "lag_lr_limit": 4.0}},
    )
    evaluate, trainer = client_app.held_out_loss, client_app.LocalTrainer
    evaluations = []

    def failing_evaluation(*args):
        evaluations.append(args)
        # Two clients a round, that of the start first.
        if len(evaluations) == 4:
            raise MemoryError("no memory left")
        return evaluate(*args)

    def failing_trainer(*args, **kwargs):
        if kwargs["clients"] == ("right",) and kwargs["round_number"] == 1:
            raise MemoryError("no memory left")
        return trainer(*args, **kwargs)

    monkeypatch.setattr(client_app, "held_out_loss", failing_evaluation)
    monkeypatch.setattr(client_app, "LocalTrainer", failing_trainer)
    _, metrics = trained(settings_of(experiment, "lagging", 0), tmp_path)
    start, first, second, idle = metrics["rounds"]
    assert "right" not in first["held_out_loss"]
    assert [left["stage"] for left in first["exclusions"]] == ["train", "evaluate"]
    ratio = first["held_out_loss"]["left"] / start["held_out_loss"]["left"]
    expected = {"left": max(1.0, 2 * ratio / (ratio + 1)), "right": max(1.0, 2 / (ratio + 1))}
    assert second["client_lr_factors"] == pytest.approx(expected)
    assert (metrics["stopped_after_round"], idle["clients"]) == (2, {})
    assert (metrics["samples"], metrics["excluded_samples"]) == (48, 16)


def test_a_client_excluded_from_the_start_is_recorded(make, tmp_path, monkeypatch):
    experiment = make(
        federation={"rounds": 3, "missing_reply": "exclude", "min_clients": 1},
        training=TRAINING,
        arms={"central": {"kind": "central"}, "lagging": {**FEDAVG, "lag_lr_limit": 4.0}},
    )
    evaluate, evaluations = client_app.held_out_loss, []

    def failing(*args):
        evaluations.append(args)
        if len(evaluations) == 2:
            raise MemoryError("no memory left")
        return evaluate(*args)

    monkeypatch.setattr(client_app, "held_out_loss", failing)
    _, metrics = trained(settings_of(experiment, "lagging", 0), tmp_path)
    start, _, second, _ = metrics["rounds"]
    (left,) = start["exclusions"]
    assert (left["client"], left["stage"], left["reason"]) == ("right", "evaluate", "failed")
    assert second["client_lr_factors"] == {"left": 1.0, "right": 1.0}
