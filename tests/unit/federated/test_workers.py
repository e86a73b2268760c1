"""The grid of worker processes."""

import os
import signal
import time

import pytest
from flwr.app import Context, Message, MetricRecord, RecordDict
from flwr.clientapp import ClientApp

from fedarm.federated.workers import WorkersGrid


def load_app() -> ClientApp:
    app = ClientApp()

    @app.query()
    def query(message: Message, context: Context) -> Message:
        seen = context.state.metric_records.setdefault("seen", MetricRecord({"messages": 0}))
        seen["messages"] += 1
        order = message.content.config_records.get("order", {}).get("do")
        if order == "die":
            os.kill(os.getpid(), signal.SIGKILL)
        if order == "hang":
            time.sleep(1000)
        if order == "raise":
            raise ZeroDivisionError("in the client")
        metrics = {
            "partition": int(context.node_config["partition-id"]),
            "messages": seen["messages"],
            "process": os.getpid(),
            "gpu": int(os.environ["CUDA_VISIBLE_DEVICES"] or -1),
        }
        return Message(RecordDict({"metrics": MetricRecord(metrics)}), reply_to=message)

    return app


@pytest.fixture(scope="module")
def grid():
    with WorkersGrid(load_app, 3, workers=2) as grid:
        yield grid


def ask(grid, orders=(None, None, None), timeout=None):
    from flwr.app import ConfigRecord

    messages = [
        grid.create_message(
            RecordDict({"order": ConfigRecord({"do": order})} if order else {}), "query", node, "1"
        )
        for node, order in zip(grid.get_node_ids(), orders, strict=True)
    ]
    return list(grid.send_and_receive(messages, timeout=timeout))


def told(reply):
    return dict(reply.content["metrics"])


def test_clients_keep_their_worker_and_their_memory(grid):
    first, second = ([told(reply) for reply in ask(grid)] for _ in range(2))
    assert [reply["partition"] for reply in first] == [0, 1, 2]
    assert [reply["process"] for reply in first] == [reply["process"] for reply in second]
    assert first[0]["process"] == first[2]["process"] != first[1]["process"]
    assert os.getpid() not in {reply["process"] for reply in first}
    assert [b["messages"] - a["messages"] for a, b in zip(first, second, strict=True)] == [1] * 3


def test_a_worker_that_dies_is_an_error_of_its_client_and_comes_back(grid):
    before = [told(reply) for reply in ask(grid)]
    died, left, behind = ask(grid, ("die", None, None))
    assert "worker process of client 0 ended with exit code -9" in died.error.reason
    assert not left.has_error()
    # The other client of that worker is served by a new one, with its memory.
    assert told(behind)["process"] != before[2]["process"]
    assert told(behind)["messages"] == before[2]["messages"] + 1
    assert told(ask(grid)[0])["messages"] == before[0]["messages"] + 1


def test_a_client_that_hangs_is_missing_after_the_timeout(grid):
    ask(grid)
    replies = ask(grid, (None, "hang", None), timeout=2)
    assert [told(reply)["partition"] for reply in replies] == [0, 2]
    assert len(ask(grid)) == 3


def test_an_exception_is_an_error_reply(grid):
    replies = ask(grid, (None, "raise", None))
    assert replies[1].error.reason == "ZeroDivisionError: in the client"
    assert not replies[0].has_error()


def test_replies_are_pulled_once(grid):
    message = grid.create_message(RecordDict(), "query", grid.get_node_ids()[0], "1")
    ids = list(grid.push_messages([message]))
    assert len(list(grid.pull_messages(ids))) == 1
    with pytest.raises(KeyError):
        grid.pull_messages(ids)


def test_clients_are_placed_on_the_gpus_of_the_job(monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "2,5")
    with WorkersGrid(load_app, 3, workers=3) as grid:
        assert [reply.content["metrics"]["gpu"] for reply in ask(grid)] == [2, 5, 2]
