"""The global normalisation, from sums that the clients send in place of rows.

Each client answers with counts, sums and sums of squares over its train split. Added in client order,
they give the bytes that the central arm gets from the same clients.
"""

from __future__ import annotations

import functools
import operator
from collections.abc import Mapping
from dataclasses import dataclass

from flwr.app import Message, RecordDict
from flwr.serverapp import Grid

from fedarm.data.statistics import FeatureSums
from fedarm.federated.exchange import exchange
from fedarm.federated.keys import ARRAYS, CONFIG, METRICS, NUM_EXAMPLES, QUERY_SUMS
from fedarm.federated.records import number_in, pack_config, sums_in
from fedarm.settings import TrainSettings


@dataclass(frozen=True)
class GatheredSums:
    """What the clients have sent.

    Attributes:
        sums: Their sums, added.
        bytes_up: How many bytes they sent.
        rows: The rows that each trains on, in client order.
    """

    sums: FeatureSums
    bytes_up: int
    rows: tuple[int, ...]


def gather_sums(grid: Grid, settings: TrainSettings, clients: Mapping[int, str]) -> GatheredSums:
    """Ask every client for its sums and add them.

    Args:
        grid: The way to the clients.
        settings: The run's settings.
        clients: Names of the clients by node id, in client order.

    Returns:
        The sums over all clients' train splits, and what came with them.

    Raises:
        ClientError: A client failed, did not answer, or has NaN in its data.
        DataError: The clients' datasets differ in their features.
    """
    content = RecordDict({CONFIG: pack_config(settings)})
    answered = exchange(
        grid,
        [Message(content, node, QUERY_SUMS) for node in clients],
        clients=clients,
        during="the query for sums",
    )
    sums = [sums_in(reply.content.array_records[ARRAYS]) for reply in answered.replies]
    rows = (
        number_in(reply.content.metric_records[METRICS], NUM_EXAMPLES) for reply in answered.replies
    )
    return GatheredSums(
        sums=functools.reduce(operator.add, sums),
        bytes_up=answered.bytes_up,
        rows=tuple(int(number) for number in rows),
    )
