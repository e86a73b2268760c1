"""What must hold of a federated run as a whole."""

import json
from dataclasses import replace

import numpy as np
import pytest

from fedarm.errors import ResultsError
from fedarm.federated import client_app, rounds, server_app
from fedarm.federated.exchange import ClientError
from fedarm.federated.inprocess import InProcessGrid
from fedarm.federated.keys import SETTINGS
from fedarm.federated.records import pack_settings
from fedarm.federated.run import train_federated
from fedarm.training.arms import train_pooled
from fedarm.training.store import RoundStore
from tests.unit.federated.conftest import FEDAVG, FEDPROX
from tests.unit.training.synthetic import moved, settings_of, write_cache


def trained(settings, root, train=train_federated):
    """Train in a folder; return the bytes of the checkpoints and the metrics without timings."""
    settings = moved(settings, root)
    train(settings)
    return results_of(settings)


def results_of(settings):
    metrics = json.loads(settings.metrics.read_text())
    for line in metrics["rounds"]:
        del line["seconds"]
    checkpoints = {
        path.relative_to(settings.checkpoints).as_posix(): path.read_bytes()
        for path in sorted(settings.checkpoints.glob("round_*/**/*"))
        if path.is_file()
    }
    return checkpoints, metrics


@pytest.fixture(scope="module")
def fedprox(experiment, tmp_path_factory):
    return trained(settings_of(experiment, "fedprox", 0), tmp_path_factory.mktemp("fedprox"))


@pytest.mark.parametrize(
    "arm",
    [FEDAVG, {**FEDPROX, "mu": 0.0}, {**FEDAVG, "optimizer_state": "average"}],
    ids=["fedavg", "fedprox", "averaged moments"],
)
def test_one_client_and_one_round_is_central_training(make, tmp_path, arm):
    one = make(
        clients=["left"],
        federation={"rounds": 1},
        rollout={"episodes": 8},
        arms={"central": {"kind": "central"}, "federated": arm},
    )
    central = trained(settings_of(one, "central", 0), tmp_path / "central", train_pooled)
    federated = trained(settings_of(one, "federated", 0), tmp_path / "federated")
    # Weights, configuration and normalisation: all files, to the byte.
    assert len(central[0]) >= 6
    assert federated[0] == central[0]
    for line, other in zip(federated[1]["rounds"], central[1]["rounds"], strict=True):
        assert line["held_out_loss"] == other["held_out_loss"]
        assert line["clients"] == other["clients"]


def test_fedprox_without_mu_is_fedavg(experiment, tmp_path):
    fedavg = trained(settings_of(experiment, "fedavg", 0), tmp_path / "fedavg")
    zero = trained(settings_of(experiment, "fedprox_zero", 0), tmp_path / "zero")
    assert zero[0] == fedavg[0]
    assert zero[1]["rounds"] == fedavg[1]["rounds"]


def test_proximal_term_acts_from_the_second_batch_on(make, tmp_path):
    def weights(steps):
        one = make(
            federation={"rounds": 1},
            rollout={"episodes": 8},
            training={"samples": 16 * steps, "batch_size": 8, "lr": 0.01, "held_out_rows": 4},
            arms={
                "central": {"kind": "central"},
                "fedavg": FEDAVG,
                "fedprox": {**FEDPROX, "mu": 0.5},
            },
        )
        return [
            trained(settings_of(one, name, 0), tmp_path / f"{name}{steps}")
            for name in ("fedavg", "fedprox")
        ]

    model = "round_0001/pretrained_model/model.safetensors"
    first = weights(1)
    assert first[0][0][model] == first[1][0][model]
    second = weights(2)
    assert second[0][0][model] != second[1][0][model]
    client = second[1][1]["rounds"][1]["clients"]["left"]
    assert client["proximal_term"] > 0
    assert first[1][1]["rounds"][1]["clients"]["left"]["proximal_term"] == 0


def test_same_seed_same_bytes(experiment, fedprox, tmp_path):
    assert trained(settings_of(experiment, "fedprox", 0), tmp_path) == fedprox


def test_another_seed_gives_other_weights(experiment, fedprox, tmp_path):
    other = trained(settings_of(experiment, "fedprox", 1), tmp_path)
    model = "round_0003/pretrained_model/model.safetensors"
    assert other[0][model] != fedprox[0][model]


class Killed(BaseException):
    """Stands for SIGKILL: nothing may catch it."""


def train_killed_after(settings, monkeypatch, number):
    """Train, be killed after a round is saved, and train to the end."""
    save = RoundStore.save

    def killing_save(store, round_number, *args):
        save(store, round_number, *args)
        if round_number == number:
            raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(RoundStore, "save", killing_save)
        with pytest.raises(Killed):
            train_federated(settings)
    train_federated(settings)


@pytest.mark.parametrize("killed_in", [1, 2, 3])
@pytest.mark.parametrize("moment", ["before saving", "after saving"])
def test_killed_and_started_again_ends_with_the_same_bytes(
    experiment, fedprox, tmp_path, monkeypatch, killed_in, moment
):
    save = RoundStore.save

    def killing_save(store, number, *args):
        if number == killed_in and moment == "before saving":
            raise Killed
        save(store, number, *args)
        if number == killed_in:
            raise Killed

    settings = moved(settings_of(experiment, "fedprox", 0), tmp_path)
    with monkeypatch.context() as patched:
        patched.setattr(RoundStore, "save", killing_save)
        with pytest.raises(Killed):
            train_federated(settings)
    assert not settings.metrics.exists()
    train_federated(settings)
    assert results_of(settings) == fedprox


def test_averaged_moments_survive_a_kill(experiment, tmp_path, monkeypatch):
    unbroken = trained(settings_of(experiment, "averaging", 0), tmp_path / "unbroken")
    hold = rounds._hold_round

    def killed_in_the_last_round(federation, number, *rest):
        if number == 3:
            raise Killed
        return hold(federation, number, *rest)

    settings = moved(settings_of(experiment, "averaging", 0), tmp_path / "killed")
    with monkeypatch.context() as patched:
        patched.setattr(rounds, "_hold_round", killed_in_the_last_round)
        with pytest.raises(Killed):
            train_federated(settings)
    train_federated(settings)
    assert results_of(settings) == unbroken


def test_moments_travel_from_the_second_round_on(experiment, tmp_path):
    _, metrics = trained(settings_of(experiment, "averaging", 0), tmp_path)
    _, first, second, _ = metrics["rounds"]
    # Adam's two moments are as large as the weights; the first round has none to begin with.
    assert 2.9 < first["bytes_up"] / (first["bytes_down"] / 2) < 3.5
    assert second["bytes_down"] > 1.9 * first["bytes_down"]


def test_goes_on_from_the_round_that_was_reached(experiment, tmp_path, monkeypatch):
    settings = moved(settings_of(experiment, "fedprox", 0), tmp_path)
    numbers = []
    hold = rounds._hold_round

    def recorded(federation, number, *rest):
        numbers.append(number)
        if numbers == [1, 2, 3]:
            raise Killed
        return hold(federation, number, *rest)

    monkeypatch.setattr(rounds, "_hold_round", recorded)
    with pytest.raises(Killed):
        train_federated(settings)
    train_federated(settings)
    assert numbers == [1, 2, 3, 3]


class BackwardGrid(InProcessGrid):
    """Clients work and answer in the opposite order."""

    def get_node_ids(self):
        return super().get_node_ids()[::-1]

    def send_and_receive(self, messages, *, timeout=None):
        backward = sorted(messages, key=lambda message: -message.metadata.dst_node_id)
        return super().send_and_receive(backward, timeout=timeout)


def test_order_of_arrival_is_irrelevant(experiment, fedprox, tmp_path):
    def train(settings):
        grid = BackwardGrid(client_app.app, len(settings.run.clients))
        server_app.app(grid, grid.server_context({SETTINGS: pack_settings(settings)}))

    assert trained(settings_of(experiment, "fedprox", 0), tmp_path, train) == fedprox


def test_metrics_say_what_each_client_did(experiment, fedprox):
    metrics = fedprox[1]
    assert (metrics["samples"], metrics["samples_per_client"]) == (96, {"left": 48, "right": 48})
    assert [line["round"] for line in metrics["rounds"]] == [0, 1, 2, 3]
    start, *later = metrics["rounds"]
    assert (start["samples"], start["clients"]) == (0, {})
    for line in later:
        assert list(line["clients"]) == ["left", "right"]
        assert all(client["update_norm"] > 0 for client in line["clients"].values())
        assert set(line["held_out_loss"]) == {"left", "right", "other"}
    assert start["held_out_loss"] != later[-1]["held_out_loss"]


def test_bytes_are_weights_twice_down_and_once_up(fedprox):
    metrics = fedprox[1]
    line = metrics["rounds"][-1]
    # 32-bit weights; numpy's header of 128 bytes an array is the rest.
    payload = 2 * 4 * metrics["parameters"]
    assert payload < line["bytes_up"] < 1.5 * payload
    assert line["bytes_down"] == 2 * line["bytes_up"]


def test_a_client_with_nan_in_its_data_is_named(make, tmp_path):
    broken = make()
    settings = settings_of(broken, "fedprox", 0)
    cache = settings.sources[1].cache
    for file in cache.iterdir():
        file.unlink()
    cache.rmdir()
    write_cache(cache, offset=float("nan"))
    with pytest.raises(ClientError, match="'right' answered with NaN"):
        train_federated(moved(settings, tmp_path))


def test_a_client_that_diverges_is_named_with_its_round(experiment, tmp_path):
    settings = settings_of(experiment, "fedprox", 0)
    wild = settings.training.model_copy(update={"lr": 1e30})
    with pytest.raises(ClientError, match="'left' failed in round 1: training diverged"):
        train_federated(moved(replace(settings, training=wild), tmp_path))


def test_nan_from_a_client_is_named_with_its_round(experiment, tmp_path, monkeypatch):
    pack = client_app.pack_losses
    answers = []

    def poisoned(losses, *, rows):
        answers.append(losses)
        # The second client in the second round.
        return pack(replace(losses, policy_loss=np.nan) if len(answers) == 4 else losses, rows=rows)

    monkeypatch.setattr(client_app, "pack_losses", poisoned)
    with pytest.raises(ClientError, match="'right' answered with NaN or infinity in round 2"):
        train_federated(moved(settings_of(experiment, "fedprox", 0), tmp_path))


def test_a_budget_that_is_not_kept_is_an_error(experiment, tmp_path):
    settings = settings_of(experiment, "fedprox", 0)
    uneven = replace(settings, training=settings.training.model_copy(update={"samples": 100}))
    with pytest.raises(ResultsError, match="the run saw 96 samples"):
        train_federated(moved(uneven, tmp_path))
    assert not (tmp_path / "metrics.json").exists()
