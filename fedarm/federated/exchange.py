"""One exchange with all clients: send, wait, check, count the bytes, and put the replies in order.

Flower's strategies drop a failed client and go on with the rest. Here a client that fails, does not
answer or answers with NaN ends the run with its name: a result on fewer clients than the configuration
names would be another experiment.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from flwr.app import Message
from flwr.serverapp import Grid
from numpy.typing import ArrayLike

from fedarm.errors import FedarmError
from fedarm.federated.wire import unwire, wired

_SEE_LOG = (
    "see the client's log, mend the cause and start the run again: it goes on from its last round"
)


class ClientError(FedarmError):
    """A client failed, did not answer, or answered with numbers that cannot be used."""


@dataclass(frozen=True)
class Exchange:
    """What came back.

    Attributes:
        replies: One a client, in client order.
        bytes_down: Serialised arrays sent to the clients, in bytes.
        bytes_up: Serialised arrays received from the clients, in bytes.
    """

    replies: tuple[Message, ...]
    bytes_down: int
    bytes_up: int


def exchange(
    grid: Grid,
    messages: Iterable[Message],
    *,
    clients: Mapping[int, str],
    during: str,
    dtype: str = "float32",
) -> Exchange:
    """Send a message to every client and return their replies in client order.

    Summing in another order changes two thirds of the 32-bit sums, so the order of arrival, which no
    seed controls, must not matter.

    Args:
        grid: The way to the clients.
        messages: One a client, in any order.
        clients: Names of the clients by node id, in client order.
        during: When this is, for messages: "round 3".
        dtype: How arrays travel, `float32` or `bfloat16`; replies come back in 32 bits.

    Raises:
        ClientError: A client got no message, failed, did not answer, or answered with NaN or infinity.
    """
    by_node = {message.metadata.dst_node_id: message for message in messages}
    unaddressed = [name for node, name in clients.items() if node not in by_node]
    if unaddressed:
        raise ClientError(
            f"clients left the federation before {during}",
            value=unaddressed,
            remedy="connect them again and start the run again",
        )
    # Strategies draw the clients in random order, which would be the order of work in one process.
    sent = [wired(by_node[node], dtype) for node in clients]
    arrived = {reply.metadata.src_node_id: reply for reply in grid.send_and_receive(sent)}
    bytes_up = sum(_array_bytes(reply) for reply in arrived.values() if reply.has_content())
    for reply in arrived.values():
        unwire(reply)
    replies = tuple(_checked(arrived.get(node), clients[node], during) for node in clients)
    return Exchange(
        replies=replies,
        bytes_down=sum(_array_bytes(message) for message in sent),
        bytes_up=bytes_up,
    )


def _checked(reply: Message | None, client: str, during: str) -> Message:
    if reply is None:
        raise ClientError(
            f"client {client!r} did not answer in {during}", value=client, remedy=_SEE_LOG
        )
    if reply.has_error():
        raise ClientError(
            f"client {client!r} failed in {during}: {reply.error.reason}",
            value=client,
            remedy=_SEE_LOG,
        )
    for name, values in _numbers(reply):
        if not np.isfinite(np.asarray(values)).all():
            raise ClientError(
                f"client {client!r} answered with NaN or infinity in {during}",
                key=name,
                value=client,
                remedy="lower `training.lr` or `training.grad_clip_norm`, or check the client's data",
            )
    return reply


def _numbers(reply: Message) -> Iterator[tuple[str, ArrayLike]]:
    for metrics in reply.content.metric_records.values():
        yield from metrics.items()
    for arrays in reply.content.array_records.values():
        for name, array in arrays.items():
            yield name, array.numpy()


def _array_bytes(message: Message) -> int:
    return sum(
        len(array.data)
        for arrays in message.content.array_records.values()
        for array in arrays.values()
    )
