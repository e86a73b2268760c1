"""The grid without a network."""

import pytest
from flwr.app import Context, Message, MetricRecord, RecordDict
from flwr.clientapp import ClientApp
from flwr.supercore.run import Run

from fedarm.federated.inprocess import InProcessGrid


def counting_app() -> ClientApp:
    app = ClientApp()

    @app.query()
    def query(message: Message, context: Context) -> Message:
        seen = context.state.metric_records.setdefault("seen", MetricRecord({"messages": 0}))
        seen["messages"] += 1
        metrics = {**context.node_config, "messages": seen["messages"]}
        return Message(RecordDict({"metrics": MetricRecord(metrics)}), reply_to=message)

    return app


def query(grid, node):
    return grid.create_message(RecordDict(), "query", node, "1")


def test_each_client_knows_its_place_and_keeps_its_state():
    grid = InProcessGrid(counting_app(), 3)
    nodes = grid.get_node_ids()
    list(grid.send_and_receive([query(grid, nodes[1])]))
    replies = list(grid.send_and_receive([query(grid, node) for node in nodes]))
    metrics = [dict(reply.content["metrics"]) for reply in replies]
    assert metrics == [
        {"partition-id": 0, "num-partitions": 3, "messages": 1},
        {"partition-id": 1, "num-partitions": 3, "messages": 2},
        {"partition-id": 2, "num-partitions": 3, "messages": 1},
    ]
    assert [reply.metadata.src_node_id for reply in replies] == nodes


def test_replies_are_pulled_once():
    grid = InProcessGrid(counting_app(), 1)
    ids = list(grid.push_messages([query(grid, grid.get_node_ids()[0])]))
    assert len(list(grid.pull_messages(ids))) == 1
    with pytest.raises(KeyError):
        grid.pull_messages(ids)


def test_a_failure_is_an_ordinary_exception():
    app = ClientApp()

    @app.train()
    def train(message: Message, context: Context) -> Message:
        raise ZeroDivisionError("in the client")

    grid = InProcessGrid(app, 1)
    message = grid.create_message(RecordDict(), "train", grid.get_node_ids()[0], "1")
    with pytest.raises(ZeroDivisionError, match="in the client"):
        list(grid.send_and_receive([message]))
    (reply,) = InProcessGrid(app, 1, catch_failures=True).send_and_receive([message])
    assert "in the client" in reply.error.reason


def test_run_can_be_set():
    grid = InProcessGrid(counting_app(), 1)
    grid.set_run(Run.create_empty(7))
    assert grid.run.run_id == 7
