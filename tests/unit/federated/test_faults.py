"""Clients that die, hang, or answer with what cannot be used: refused, or excluded and recorded."""

import numpy as np
import pytest
from flwr.app import Array, ArrayRecord, Message, MetricRecord, RecordDict
from flwr.clientapp import ClientApp

from fedarm.federated import client_app, client_state, rounds
from fedarm.federated.exchange import ClientError, Exchange
from fedarm.federated.faults import fault_in, same_update
from fedarm.federated.inprocess import InProcessGrid
from fedarm.federated.keys import ARRAYS, METRICS, NUM_EXAMPLES
from fedarm.federated.roster import rejoin
from fedarm.federated.run import train_federated
from fedarm.federated.seal import is_intact, seal
from fedarm.settings import Faults
from tests.unit.federated.test_rounds import Killed, results_of, trained
from tests.unit.training.synthetic import moved, settings_of

SENT = ArrayRecord({"w": Array(np.zeros(4, np.float32))})
EXCLUDE = Faults("exclude", min_clients=2)


class Wire:
    """A grid over which replies travel: each is pulled on its own, and may be lost or late."""

    def __init__(self, inner, *, lost=()):
        self._inner, self._lost, self._pushed = inner, lost, []

    def get_node_ids(self):
        return self._inner.get_node_ids()

    def push_messages(self, messages):
        self._pushed = list(messages)
        return [str(place) for place in range(len(self._pushed))]

    def pull_messages(self, message_ids):
        (place,) = map(int, message_ids)
        return [] if place in self._lost else self._inner.send_and_receive([self._pushed[place]])


def answer_with(bad):
    """Three clients, of which the second answers badly."""
    app = ClientApp()

    @app.train()
    def train(message, context):
        place = context.node_config["partition-id"]
        array, rows = np.full(4, place, np.float32), 5
        if place == 1:
            if bad == "dies":
                raise RuntimeError("out of memory")
            array = {
                "nan": array * np.nan,
                "inf": array * np.inf,
                "shape": array[:2],
                "large": array * np.float32(1e30),
            }.get(bad, array)
            rows = 6 if bad == "rows" else 5
        content = RecordDict(
            {ARRAYS: ArrayRecord({"w": Array(array)}), METRICS: MetricRecord({NUM_EXAMPLES: rows})}
        )
        seal(content)
        if place == 1 and bad == "damaged":
            content[ARRAYS]["w"] = Array(array + 1)
        return Message(content, reply_to=message)

    return InProcessGrid(app, 3, catch_failures=True)


def ask(grid, faults):
    nodes = list(grid.get_node_ids())
    return Exchange(
        grid,
        [Message(RecordDict({ARRAYS: SENT}), node, "train") for node in nodes],
        clients=dict(zip(nodes, ("left", "right", "top"), strict=True)),
        during="round 3",
        faults=faults,
        check=same_update(SENT, rows=dict.fromkeys(nodes, 5)),
    )


BAD = {
    "dies": "failed",
    "nan": "not finite",
    "inf": "not finite",
    "shape": "wrong shape",
    "rows": "wrong rows",
    "damaged": "damaged",
}


@pytest.mark.parametrize(("bad", "reason"), BAD.items())
def test_what_cannot_be_used_is_excluded_with_its_reason(bad, reason):
    exchange = ask(answer_with(bad), EXCLUDE)
    used = [values_of(reply) for reply in exchange.replies()]
    assert used == [0.0, 2.0]
    (left,) = exchange.exclusions
    assert (left.client, left.during, left.reason) == ("right", "round 3", reason)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("size", [1, 2, 7, 1000])
def test_a_number_that_is_not_finite_is_found_wherever_it_stands(bad, size):
    # Beside zeros, which it is multiplied with, and beside its own negative.
    for values in (np.zeros(size, np.float32), np.full(size, -bad, np.float32)):
        for place in {0, size // 2, size - 1}:
            values[place] = bad
            message = Message(RecordDict(), 1, "train")
            content = RecordDict({ARRAYS: ArrayRecord({"w": Array(values)})})
            fault = fault_in(Message(content, reply_to=message), check=lambda _: None)
            assert fault is not None
            assert (fault.reason, fault.detail) == ("not finite", "w")


def test_large_numbers_whose_squares_overflow_can_be_used():
    used = [values_of(reply) for reply in ask(answer_with("large"), None).replies()]
    assert used == [0.0, np.float32(1e30), 2.0]


@pytest.mark.parametrize("bad", BAD)
def test_by_default_it_ends_the_run(bad):
    with pytest.raises(ClientError, match=r"'right' .* in round 3"):
        list(ask(answer_with(bad), None).replies())


def test_too_few_are_an_error():
    with pytest.raises(ClientError, match=r"2 of 3 clients(.|\n)*federation\.min_clients"):
        list(ask(answer_with("nan"), Faults("exclude", min_clients=3)).replies())


def test_a_client_that_hangs_is_excluded_after_the_timeout():
    wire = Wire(answer_with(""), lost={1})
    exchange = ask(wire, Faults("exclude", min_clients=2, timeout_s=0.2))
    assert [values_of(reply) for reply in exchange.replies()] == [0.0, 2.0]
    assert [left.reason for left in exchange.exclusions] == ["no reply"]
    with pytest.raises(ClientError, match="'right' did not answer"):
        list(ask(wire, Faults(timeout_s=0.2)).replies())


def values_of(reply):
    return float(reply.content[ARRAYS]["w"].numpy()[0])


def test_a_client_that_comes_back_as_another_node_is_found():
    grid = InProcessGrid(client_app.app, 3)
    nodes = grid.get_node_ids()
    clients = {nodes[0]: "left", 77: "right", nodes[2]: "top"}
    rejoin(grid, clients)
    assert clients == dict(zip(nodes, ("left", "right", "top"), strict=True))


def test_over_a_wire_both_ways_are_sealed(experiment, tmp_path, monkeypatch):
    """Damage to what is sent down is seen by the client, and the same bytes come of sealed messages."""
    plain = trained(settings_of(experiment, "fedavg", 0), tmp_path / "plain")
    seen = []
    check = client_app._check_seal

    def noted(message):
        seen.append(is_intact(message.content))
        check(message)

    monkeypatch.setattr(client_app, "_check_seal", noted)

    def over_wire(settings):
        rounds.hold_rounds(Wire(InProcessGrid(client_app.app, 2)), settings)

    assert trained(settings_of(experiment, "fedavg", 0), tmp_path / "wire", over_wire) == plain
    # Two clients, three rounds of training and four evaluations.
    assert seen == [True] * 14

    def damaged(message):
        message.content[ARRAYS]["w"] = Array(np.zeros(1, np.float32))
        check(message)

    monkeypatch.setattr(client_app, "_check_seal", damaged)
    with pytest.raises(ClientError, match="damaged on the way"):
        over_wire(moved(settings_of(experiment, "fedavg", 0), tmp_path / "damaged"))


def test_a_run_goes_on_without_a_client_and_says_so(make, tmp_path, monkeypatch):
    lenient = make(federation={"rounds": 3, "missing_reply": "exclude", "min_clients": 1})
    trainer = client_app.LocalTrainer

    def failing(*args, **kwargs):
        if kwargs["clients"] == ("right",) and kwargs["round_number"] == 2:
            raise MemoryError("no memory left")
        return trainer(*args, **kwargs)

    monkeypatch.setattr(client_app, "LocalTrainer", failing)
    _, metrics = trained(settings_of(lenient, "fedavg", 0), tmp_path)
    assert (metrics["samples"], metrics["excluded_samples"], metrics["budget_samples"]) == (
        80,
        16,
        96,
    )
    assert list(metrics["rounds"][2]["clients"]) == ["left"]
    (left,) = metrics["rounds"][2]["exclusions"]
    assert (left["client"], left["stage"], left["reason"]) == ("right", "train", "failed")
    assert "no memory left" in left["detail"]
    assert all("exclusions" not in metrics["rounds"][number] for number in (0, 1, 3))


@pytest.mark.parametrize("after_round", [1, 2])
def test_control_variates_survive_a_kill(make, tmp_path, monkeypatch, after_round):
    scaffold = {"kind": "federated", "strategy": "scaffold", "client_lr": 0.05}
    own = make(arms={"central": {"kind": "central"}, "scaffold": scaffold})
    unbroken = trained(settings_of(own, "scaffold", 0), tmp_path / "unbroken")
    save = client_state.save_client_state
    settings = moved(settings_of(own, "scaffold", 0), tmp_path / "killed")

    def killing(settings, client, state, *, round_number, accepted_round):
        save(settings, client, state, round_number=round_number, accepted_round=accepted_round)
        # The first client has its new control variate; the round is never saved.
        if round_number == after_round + 1:
            raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(client_app, "save_client_state", killing)
        with pytest.raises(Killed):
            train_federated(settings)
    train_federated(settings)
    assert results_of(settings) == unbroken
    assert not (settings.checkpoints / "clients").exists()
