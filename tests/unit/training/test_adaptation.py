from dataclasses import replace
from pathlib import Path

import pytest

from fedarm.config_training import EarlyStop, Plateau, Schedule
from fedarm.paths import read_json
from fedarm.policies.checkpoint import digest_checkpoint
from fedarm.training import pooled
from fedarm.training.adaptation import (
    adapted_mu,
    lag_factors,
    plan_round,
    plateau_share,
    stopped_after,
)
from fedarm.training.arms import train_pooled
from fedarm.training.store import RoundStore

from .synthetic import moved, settings_of


def _lines(losses):
    return [
        {"round": number, "clients": {}, "held_out_loss": loss}
        for number, loss in enumerate(losses)
    ]


@pytest.mark.parametrize(
    ("losses", "share"),
    [
        ([1.0, 0.9, 0.8], 1.0),
        ([1.0, 1.0], 1.0),
        # Two rounds without an improvement.
        ([1.0, 1.0, 1.1], 0.5),
        # The waiting begins anew after each reduction.
        ([1.0, 1.0, 1.1, 1.1], 0.5),
        ([1.0, 1.0, 1.1, 1.1, 1.1], 0.25),
        ([1.0, 1.0, 1.1, 0.5, 0.6], 0.5),
        # Too small an improvement is none.
        ([1.0, 0.95, 0.91], 0.5),
        ([1.0] * 40, 0.1),
    ],
)
def test_the_rate_falls_on_a_plateau_and_only_there(losses, share):
    rule = Plateau(patience=2, factor=0.5, min_improvement=0.1, min_lr_share=0.1)
    assert plateau_share(losses, rule) == pytest.approx(share)


def test_mu_rises_with_the_loss_and_falls_after_five_falls():
    falling = [10.0, 9.0, 8.0, 7.0, 6.0]
    assert adapted_mu([], start=0.3, step=0.1) == 0.3
    assert adapted_mu([1.0, 2.0, 3.0], start=0.3, step=0.1) == pytest.approx(0.5)
    assert adapted_mu(falling, start=0.3, step=0.1) == 0.3
    assert adapted_mu([*falling, 5.0], start=0.3, step=0.1) == pytest.approx(0.2)
    # A rise in between: five in a row are needed again.
    assert adapted_mu([*falling, 6.5, 5.0], start=0.3, step=0.1) == pytest.approx(0.4)
    assert adapted_mu([*falling, 5.0], start=0.05, step=0.1) == 0.0


def test_only_clients_that_lag_train_faster():
    lines = _lines([{"a": 1.0, "b": 2.0, "c": 1.0}, {"a": 0.2, "b": 1.6, "c": 0.5}])
    # Their losses fell to 0.2, 0.8 and 0.5 of the start's, 0.5 in the mean.
    assert lag_factors(lines, ["a", "b", "c"], limit=3.0) == {"a": 1.0, "b": 1.6, "c": 1.0}
    assert lag_factors(lines, ["a", "b", "c"], limit=1.25)["b"] == 1.25
    assert lag_factors(lines[:1], ["a", "b", "c"], limit=3.0) == dict.fromkeys("abc", 1.0)
    assert lag_factors(lines, ["a", "b", "c"], limit=1.0) == dict.fromkeys("abc", 1.0)


def test_an_excluded_client_counts_with_its_last_loss():
    """Client b did not answer in round 1, c not even at the start; their tasks differ in difficulty."""
    lines = _lines([{"a": 1.0, "b": 8.0}, {"a": 0.5, "c": 3.0}, {"a": 0.5, "b": 2.0, "c": 1.0}])
    clients = ["a", "b", "c"]
    # Of the start's losses 0.5 and 1 are left, 0.75 in the mean; then 0.5 and 0.25, 0.375 in the mean.
    one = {"a": 1.0, "b": 1.0 / 0.75, "c": 1.0}
    assert lag_factors(lines[:2], clients, limit=3.0) == pytest.approx(one)
    two = {"a": 0.5 / 0.375, "b": 1.0, "c": 1.0}
    assert lag_factors(lines, clients, limit=3.0) == pytest.approx(two)


def test_no_rule_takes_the_absence_of_a_client_for_a_change(fedprox):
    losses = [{"left": 1.0, "right": 9.0}, {"left": 1.0}, {"left": 1.0, "right": 9.0}]
    plateau = Schedule(plateau=Plateau(patience=2, factor=0.5))
    adaptive = fedprox.arm.model_copy(update={"mu": 0.5, "mu_step": 0.25})
    settings = _with(replace(fedprox, arm=adaptive), schedule=plateau)
    lines = [
        {**line, "clients": {client: {"policy_loss": loss} for client, loss in own.items()}}
        for line, own in zip(_lines(losses), losses, strict=True)
    ]
    plan = plan_round(settings, lines)
    assert (plan.lr_factor, plan.mu) == (0.5, 0.5)
    stopping = _with(settings, early_stop=EarlyStop(patience=2))
    assert stopped_after(stopping, lines) == 2
    assert stopped_after(stopping, lines[:2]) is None


def _with(settings, **changes):
    return replace(settings, training=settings.training.model_copy(update=changes))


@pytest.mark.parametrize(
    ("losses", "stop"), [([1.0, 0.5, 0.4], None), ([1.0, 0.5, 0.5], None), ([1.0, 2.0, 3.0], 2)]
)
def test_stopping_looks_at_the_clients_of_the_run_and_no_other(central, losses, stop):
    settings = _with(central, early_stop=EarlyStop(patience=2))
    lines = _lines([{"left": loss, "right": loss, "other": 9.0 - loss} for loss in losses])
    assert stopped_after(settings, lines) == stop
    assert stopped_after(central, lines) is None


def _stopping(settings):
    # Nothing is an improvement of 90 %: it stops after two rounds of four.
    return _with(settings, early_stop=EarlyStop(patience=2, min_improvement=0.9), keep_every=10)


def _results(settings):
    metrics = read_json(settings.metrics)
    for line in metrics["rounds"]:
        line.pop("seconds")
    last = settings.checkpoints / f"round_{settings.rounds:04d}" / "pretrained_model"
    return metrics, digest_checkpoint(last)


@pytest.fixture(scope="module")
def stopped(experiment, tmp_path_factory: pytest.TempPathFactory):
    settings = moved(settings_of(experiment, "central", 0), tmp_path_factory.mktemp("stopped"))
    train_pooled(_stopping(settings))
    return _stopping(settings)


def test_a_run_that_stops_early_says_what_it_has_seen(stopped):
    metrics, _ = _results(stopped)
    assert metrics["stopped_after_round"] == 2
    assert metrics["samples"] == metrics["budget_samples"] // 2 == stopped.training.samples // 2
    assert [line["samples"] > 0 for line in metrics["rounds"]] == [False, True, True, False, False]
    assert [line.get("stopped_after") for line in metrics["rounds"]] == [None, None, None, 2, 2]
    assert metrics["rounds"][4]["held_out_loss"] == metrics["rounds"][2]["held_out_loss"]


def test_its_weights_are_those_of_the_round_in_which_it_stopped(experiment, stopped, tmp_path):
    whole = _with(moved(settings_of(experiment, "central", 0), tmp_path), keep_every=1)
    train_pooled(whole)
    rounds = [
        digest_checkpoint(whole.checkpoints / f"round_{number:04d}" / "pretrained_model")
        for number in range(1, 5)
    ]
    assert _results(stopped)[1] == rounds[1] != rounds[3]


class Killed(BaseException):
    """Stands for SIGKILL: nothing may catch it."""


def _train_killed(settings, monkeypatch, calls):
    """Kill after some rounds are saved or logged, then go on to the end."""
    done = []
    with monkeypatch.context() as patched:
        for name in ("save", "log"):
            original = getattr(RoundStore, name)

            def killing(store, *args, original=original, name=name):
                original(store, *args)
                done.append(name)
                if len(done) == calls:
                    raise Killed

            patched.setattr(RoundStore, name, killing)
        with pytest.raises(Killed):
            train_pooled(settings)
    train_pooled(settings)


@pytest.mark.parametrize("calls", [3, 5, 6])
def test_killed_around_its_stop_it_ends_with_the_same_bytes(
    experiment, stopped, tmp_path: Path, monkeypatch, calls
):
    settings = _stopping(moved(settings_of(experiment, "central", 0), tmp_path))
    _train_killed(settings, monkeypatch, calls)
    assert _results(settings) == _results(stopped)


def _plateau(settings):
    rule = Plateau(patience=1, factor=0.1, min_improvement=0.9)
    return _with(settings, schedule=Schedule(kind="constant", plateau=rule), keep_every=10)


def test_a_plateau_lowers_the_rate_and_survives_a_kill(experiment, tmp_path: Path, monkeypatch):
    whole = _plateau(moved(settings_of(experiment, "central", 0), tmp_path / "whole"))
    train_pooled(whole)
    metrics, digest = _results(whole)
    lr = whole.training.lr
    rates = [line["lr"]["first"] / lr for line in metrics["rounds"][1:]]
    assert rates == pytest.approx([1.0, 0.1, 0.01, 0.01])
    norms = [line["clients"]["left+right"]["update_norm"] for line in metrics["rounds"][1:]]
    assert norms[1] < 0.3 * norms[0]

    killed = _plateau(moved(settings_of(experiment, "central", 0), tmp_path / "killed"))
    _train_killed(killed, monkeypatch, 4)
    assert _results(killed) == (metrics, digest)


def test_the_rate_of_each_round_is_recorded(experiment, tmp_path: Path):
    schedule = Schedule(kind="warm_restarts", first_cycle=0.5, final_lr_share=0.0)
    settings = _with(moved(settings_of(experiment, "central", 0), tmp_path), schedule=schedule)
    train_pooled(settings)
    metrics, _ = _results(settings)
    first = [line["lr"]["first"] / settings.training.lr for line in metrics["rounds"][1:]]
    assert first == pytest.approx([1.0, 0.5, 1.0, 0.5])


def test_rules_that_are_off_leave_nothing_in_the_record(experiment, tmp_path: Path):
    settings = moved(settings_of(experiment, "central", 0), tmp_path)
    train_pooled(settings)
    for line in _results(settings)[0]["rounds"][1:]:
        assert set(line) == {
            "round",
            "samples",
            "clients",
            "held_out_loss",
            "lr",
            "bytes_up",
            "bytes_down",
        }
    assert pooled.stopped_after(settings, []) is None
