"""What comes back is checked, counted and put in client order."""

import numpy as np
import pytest
from flwr.app import Array, ArrayRecord, Context, Error, Message, MetricRecord, RecordDict
from flwr.clientapp import ClientApp

from fedarm.federated.exchange import ClientError, exchange
from fedarm.federated.inprocess import InProcessGrid


class ShuffledGrid(InProcessGrid):
    """Replies arrive backwards."""

    def send_and_receive(self, messages, *, timeout=None):
        return list(super().send_and_receive(messages, timeout=timeout))[::-1]


class LossyGrid(InProcessGrid):
    """The last reply never arrives."""

    def send_and_receive(self, messages, *, timeout=None):
        return list(super().send_and_receive(messages, timeout=timeout))[:-1]


def app_answering(answer):
    app = ClientApp()

    @app.train()
    def train(message: Message, context: Context) -> Message:
        return Message(answer(context.node_config["partition-id"]), reply_to=message)

    return app


def good(client):
    return RecordDict(
        {
            "arrays": ArrayRecord({"w": Array(np.full(4, client, np.float32))}),
            "metrics": MetricRecord({"partition-id": client}),
        }
    )


def send(grid, *, skip=0, names=("left", "right", "top")):
    nodes = list(grid.get_node_ids())
    content = RecordDict({"arrays": ArrayRecord({"w": Array(np.zeros(4, np.float32))})})
    messages = [grid.create_message(content, "train", node, "1") for node in nodes[skip:]]
    clients = dict(zip(nodes, names, strict=True))
    return exchange(grid, messages, clients=clients, during="round 3")


@pytest.mark.parametrize("grid_type", [InProcessGrid, ShuffledGrid])
def test_replies_are_in_client_order(grid_type):
    replies = send(grid_type(app_answering(good), 3)).replies
    assert [reply.content["metrics"]["partition-id"] for reply in replies] == [0, 1, 2]


def test_clients_work_in_client_order():
    worked = []

    def answer(client):
        worked.append(client)
        return good(client)

    grid = InProcessGrid(app_answering(answer), 3)
    nodes = list(grid.get_node_ids())
    messages = [
        grid.create_message(RecordDict(), "train", nodes[place], "1") for place in (2, 0, 1)
    ]
    exchange(grid, messages, clients=dict(zip(nodes, "abc", strict=True)), during="round 1")
    assert worked == [0, 1, 2]


def test_bytes_are_those_of_the_serialised_arrays():
    counted = send(InProcessGrid(app_answering(good), 3))
    one = len(Array(np.zeros(4, np.float32)).data)
    assert one >= 16
    assert (counted.bytes_down, counted.bytes_up) == (3 * one, 3 * one)


def test_missing_reply_names_client_and_round():
    with pytest.raises(ClientError, match="'top' did not answer in round 3"):
        send(LossyGrid(app_answering(good), 3))


def test_failed_client_is_named_with_its_reason():
    def answer(client):
        return Error(code=0, reason="out of memory") if client == 1 else good(client)

    with pytest.raises(ClientError, match="'right' failed in round 3: out of memory"):
        send(InProcessGrid(app_answering(answer), 3))


@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize("where", ["arrays", "metrics"])
def test_nan_names_client_round_and_number(bad, where):
    def answer(client):
        content = good(client)
        if client == 1 and where == "arrays":
            content["arrays"]["w"] = Array(np.array([0, bad, 0, 0], np.float32))
        elif client == 1:
            content["metrics"]["policy-loss"] = float(bad)
        return content

    key = "w" if where == "arrays" else "policy-loss"
    with pytest.raises(ClientError, match=f"'right' answered with NaN .* round 3\n.*{key}"):
        send(InProcessGrid(app_answering(answer), 3))


def test_client_without_a_message_is_an_error():
    with pytest.raises(ClientError, match=r"left the federation before round 3(.|\n)*left"):
        send(InProcessGrid(app_answering(good), 3), skip=1)
