"""The global normalisation, from sums that the clients send in place of rows.

Each client answers with counts, sums and sums of squares over its train split. Added in client order,
they give the bytes that the central arm gets from the same clients.
"""

from __future__ import annotations

import functools
import operator
from collections.abc import Mapping

from flwr.app import Message, RecordDict
from flwr.serverapp import Grid

from fedarm.data.statistics import FeatureSums
from fedarm.federated.exchange import exchange
from fedarm.federated.keys import ARRAYS, CONFIG, QUERY_SUMS
from fedarm.federated.records import pack_config, sums_in
from fedarm.settings import TrainSettings


def gather_sums(
    grid: Grid, settings: TrainSettings, clients: Mapping[int, str]
) -> tuple[FeatureSums, int]:
    """Ask every client for its sums and add them.

    Args:
        grid: The way to the clients.
        settings: The run's settings.
        clients: Names of the clients by node id, in client order.

    Returns:
        The sums over all clients' train splits, and how many bytes the clients sent.

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
    return functools.reduce(operator.add, sums), answered.bytes_up
