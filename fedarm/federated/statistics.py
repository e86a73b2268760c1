"""The first exchange: which node is which client, and the global normalisation from the clients' sums.

Each client answers with counts, sums and sums of squares over its train split; rows never travel. Added
in client order, they give the bytes that the central arm gets from the same clients.
"""

from __future__ import annotations

import functools
import operator
import time
from collections.abc import Sequence

from flwr.app import Message, MessageType, RecordDict
from flwr.serverapp import Grid

from fedarm.data.statistics import FeatureSums
from fedarm.experiment import TrainSettings
from fedarm.federated.exchange import ClientError, exchange
from fedarm.federated.keys import ARRAYS, CONFIG, METRICS, PARTITION
from fedarm.federated.records import pack_config, sums_in

_CONNECT_TIMEOUT_S = 120.0
_CONNECT_POLL_S = 0.2


def meet_clients(grid: Grid, settings: TrainSettings) -> tuple[dict[int, str], FeatureSums]:
    """Ask every client who it is and for its sums.

    Returns:
        The clients' names by node id, in client order, and the sums over all of them.

    Raises:
        ClientError: There are not as many nodes as clients, two claim to be the same client, or one
            failed.
    """
    names = settings.run.clients
    nodes = _wait_for_nodes(grid, len(names))
    content = RecordDict({CONFIG: pack_config(settings)})
    answers = exchange(
        grid,
        [Message(content, node, MessageType.QUERY) for node in nodes],
        clients={node: f"node {node}" for node in nodes},
        during="the first query",
    ).replies
    by_client = sorted(answers, key=_partition)
    partitions = [_partition(answer) for answer in by_client]
    if partitions != list(range(len(names))):
        raise ClientError(
            f"the nodes are not clients 0 to {len(names) - 1}",
            key=PARTITION,
            value=partitions,
            remedy="start one node a client, each with its own partition-id",
        )
    sums = [sums_in(answer.content.array_records[ARRAYS]) for answer in by_client]
    clients = {
        answer.metadata.src_node_id: name for answer, name in zip(by_client, names, strict=True)
    }
    return clients, functools.reduce(operator.add, sums)


def _partition(answer: Message) -> int:
    return int(answer.content.metric_records[METRICS][PARTITION])  # type: ignore[arg-type]


def _wait_for_nodes(grid: Grid, wanted: int) -> Sequence[int]:
    """Return the ids of the nodes as soon as there are enough; Flower's own wait has no end."""
    deadline_s = time.monotonic() + _CONNECT_TIMEOUT_S
    while len(nodes := list(grid.get_node_ids())) < wanted and time.monotonic() < deadline_s:
        time.sleep(_CONNECT_POLL_S)
    if len(nodes) != wanted:
        raise ClientError(
            f"{wanted} clients are needed and {len(nodes)} nodes are connected",
            key="num-supernodes",
            value=len(nodes),
            remedy=f"connect exactly {wanted} nodes, one for each entry of `clients`",
        )
    return nodes
