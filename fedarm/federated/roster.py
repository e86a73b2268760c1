"""The first exchange: which node is which client. Flower draws new node ids for each run."""

from __future__ import annotations

import time
from collections.abc import Sequence

from flwr.app import Message, RecordDict
from flwr.serverapp import Grid

from fedarm.errors import suggest
from fedarm.federated.contents import config_in, metrics_in
from fedarm.federated.exchange import ClientError, Exchange, exchange
from fedarm.federated.keys import PARTITION, QUERY_IDENTITY
from fedarm.federated.records import number_in
from fedarm.federated.site import CLIENT
from fedarm.settings import Faults

_CONNECT_TIMEOUT_S = 120.0
_CONNECT_POLL_S = 0.2
_REJOIN_TIMEOUT_S = 30.0


def call_roster(grid: Grid, clients: Sequence[str]) -> dict[int, str]:
    """Wait for the clients and ask each node which of them it is.

    Args:
        grid: The way to the nodes.
        clients: The clients' names, in client order.

    Returns:
        The clients' names by node id, in client order.

    Raises:
        ClientError: There are not as many nodes as clients, or two are the same client.
    """
    nodes = _wait_for_nodes(grid, len(clients))
    answers = exchange(
        grid,
        [Message(RecordDict(), node, QUERY_IDENTITY) for node in nodes],
        clients={node: f"node {node}" for node in nodes},
        during="the roster call",
    ).replies
    places = {answer.metadata.src_node_id: _place(answer, clients) for answer in answers}
    by_client = sorted(places, key=places.__getitem__)
    partitions = [places[node] for node in by_client]
    if partitions != list(range(len(clients))):
        raise ClientError(
            f"the nodes are not the clients 0 to {len(clients) - 1}",
            key=PARTITION,
            value=partitions,
            remedy="start one node a client, each with its own partition-id",
        )
    return {node: clients[places[node]] for node in by_client}


def rejoin(grid: Grid, clients: dict[int, str]) -> None:
    """Find the clients that have come back as other nodes; those who are away stay as they are.

    Args:
        grid: The way to the nodes.
        clients: The clients' names by node id, in client order; changed in place.
    """
    connected = set(grid.get_node_ids())
    strangers = sorted(connected - clients.keys())
    if not strangers or clients.keys() <= connected:
        return
    asked = Exchange(
        grid,
        [Message(RecordDict(), node, QUERY_IDENTITY) for node in strangers],
        clients={node: f"node {node}" for node in strangers},
        during="the roster call",
        faults=Faults("exclude", min_clients=0, timeout_s=_REJOIN_TIMEOUT_S),
    )
    nodes = list(clients)
    for answer in asked.replies():
        place = _place(answer, list(clients.values()))
        if place < len(nodes) and nodes[place] not in connected:
            nodes[place] = answer.metadata.src_node_id
    names = list(clients.values())
    clients.clear()
    clients.update(zip(nodes, names, strict=True))


def _place(answer: Message, clients: Sequence[str]) -> int:
    """Return the place among the clients of a node that says its name or its place."""
    named = config_in(answer.content)
    if CLIENT not in named:
        return int(number_in(metrics_in(answer.content), PARTITION))
    name = str(named[CLIENT])
    if name not in clients:
        raise ClientError(
            "a node says that it is a client that the run does not have",
            key=CLIENT,
            value=name,
            remedy=suggest(name, clients),
        )
    return clients.index(name)


def _wait_for_nodes(grid: Grid, wanted: int) -> list[int]:
    """Return the ids of the nodes as soon as there are enough; Flower's own wait has no end."""
    deadline_s = time.monotonic() + _CONNECT_TIMEOUT_S
    while len(nodes := list(grid.get_node_ids())) < wanted and time.monotonic() < deadline_s:
        time.sleep(_CONNECT_POLL_S)
    if len(nodes) != wanted:
        raise ClientError(
            f"the run has {wanted} clients, and {len(nodes)} nodes are connected",
            key="num-supernodes",
            value=len(nodes),
            remedy=f"connect exactly {wanted} nodes, one for each entry of `clients`",
        )
    return nodes
