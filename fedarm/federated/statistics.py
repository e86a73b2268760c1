"""The global normalisation, from sums that the clients send in place of rows.

With them comes the digest of each client's data, so that a run that goes on does so on the same data,
which the server need not have.

Each client answers with counts, sums and sums of squares over its train split. Added in client order,
they give the bytes that the central arm gets from the same clients.
"""

from __future__ import annotations

import functools
import operator
from collections.abc import Mapping
from dataclasses import dataclass

from flwr.app import ConfigRecord, Message, RecordDict
from flwr.serverapp import Grid

from fedarm.data.statistics import FeatureSums
from fedarm.federated.contents import arrays_in, config_in, metrics_in
from fedarm.federated.exchange import ClientError, exchange
from fedarm.federated.keys import (
    CONFIG,
    DATA_DIGEST,
    NUM_EXAMPLES,
    QUERY_SUMS,
    START_DIGEST,
)
from fedarm.federated.records import number_in, pack_config, sums_in
from fedarm.policies.checkpoint import digest_checkpoint
from fedarm.settings import TrainSettings


@dataclass(frozen=True)
class GatheredSums:
    """What the clients have sent.

    Attributes:
        sums: Their sums, added.
        bytes_up: How many bytes they sent.
        rows: The rows that each trains on, in client order.
        data_digests: The digest of each client's data, by name.
    """

    sums: FeatureSums
    bytes_up: int
    rows: tuple[int, ...]
    data_digests: Mapping[str, str]


def gather_sums(grid: Grid, settings: TrainSettings, clients: Mapping[int, str]) -> GatheredSums:
    """Ask every client for its sums and add them.

    Args:
        grid: The way to the clients.
        settings: The run's settings.
        clients: Names of the clients by node id, in client order.

    Returns:
        The sums over all clients' train splits, and what came with them.

    Raises:
        ClientError: A client failed, did not answer, has NaN in its data, or starts from another
            checkpoint than the server.
        DataError: The clients' datasets differ in their features.
    """
    content = RecordDict({CONFIG: pack_config(settings)})
    answered = exchange(
        grid,
        [Message(content, node, QUERY_SUMS) for node in clients],
        clients=clients,
        during="the query for sums",
    )
    sums = [sums_in(arrays_in(reply.content)) for reply in answered.replies]
    rows = (number_in(metrics_in(reply.content), NUM_EXAMPLES) for reply in answered.replies)
    said = {
        client: config_in(reply.content)
        for client, reply in zip(clients.values(), answered.replies, strict=True)
    }
    for client, record in said.items():
        _check_start(client, record, settings)
    return GatheredSums(
        sums=functools.reduce(operator.add, sums),
        bytes_up=answered.bytes_up,
        rows=tuple(int(number) for number in rows),
        data_digests={client: str(record[DATA_DIGEST]) for client, record in said.items()},
    )


def _check_start(client: str, said: ConfigRecord, settings: TrainSettings) -> None:
    """Refuse a client whose own copy of the starting checkpoint is another one."""
    if START_DIGEST not in said or settings.start is None:
        return
    expected = digest_checkpoint(settings.start)
    if said[START_DIGEST] != expected:
        raise ClientError(
            f"client {client!r} starts from another checkpoint than the server",
            key=START_DIGEST,
            value=said[START_DIGEST],
            remedy=f"give it the server's checkpoint ({expected}) and let it join again",
        )
