"""Which node is which client."""

import pytest
from flwr.app import Message, MetricRecord, RecordDict
from flwr.clientapp import ClientApp

from fedarm.federated import roster
from fedarm.federated.exchange import ClientError
from fedarm.federated.inprocess import InProcessGrid
from fedarm.federated.keys import METRICS, PARTITION


def app_with(partitions):
    app = ClientApp()

    @app.query("identity")
    def identity(message, context):
        partition = partitions[context.node_config[PARTITION]]
        return Message(
            RecordDict({METRICS: MetricRecord({PARTITION: partition})}), reply_to=message
        )

    return app


def test_clients_are_in_order_whatever_their_node_ids():
    grid = InProcessGrid(app_with([2, 0, 1]), 3)
    names = roster.call_roster(grid, ("left", "right", "top"))
    first, second, third = grid.get_node_ids()
    assert list(names.items()) == [(second, "left"), (third, "right"), (first, "top")]


@pytest.mark.parametrize("partitions", [[0, 0], [1, 2]])
def test_nodes_that_are_not_the_clients_are_refused(partitions):
    with pytest.raises(ClientError, match="partition-id"):
        roster.call_roster(InProcessGrid(app_with(partitions), 2), ("left", "right"))


@pytest.mark.parametrize("nodes", [1, 3])
def test_as_many_nodes_as_clients_are_needed(nodes, monkeypatch):
    monkeypatch.setattr(roster, "_CONNECT_TIMEOUT_S", 0.0)
    with pytest.raises(ClientError, match=f"2 clients, and {nodes} nodes"):
        roster.call_roster(InProcessGrid(app_with(range(nodes)), nodes), ("left", "right"))


def test_late_nodes_are_waited_for(monkeypatch):
    grid = InProcessGrid(app_with([0, 1]), 2)
    connected = iter([[], grid.get_node_ids()[:1], grid.get_node_ids()])
    monkeypatch.setattr(grid, "get_node_ids", lambda: next(connected))
    monkeypatch.setattr(roster, "_CONNECT_POLL_S", 0.0)
    assert list(roster.call_roster(grid, ("left", "right")).values()) == ["left", "right"]
