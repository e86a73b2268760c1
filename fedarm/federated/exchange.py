"""One exchange with all clients: send, wait, check, count the bytes, and put the replies in order.

Flower's strategies drop a failed client without a word and go on with the rest. Here the configuration
decides: by default a client that fails, does not answer or answers with NaN ends the run with its name,
because a result on fewer clients than the configuration names would be another experiment; with
`federation.missing_reply: exclude` the round goes on without it, and says so in the metrics.

Replies come one by one in client order, so that whoever adds them up needs the memory of one.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass

from flwr.app import ArrayRecord, Message
from flwr.serverapp import Grid

from fedarm.errors import FedarmError
from fedarm.federated.contents import all_of
from fedarm.federated.faults import SEE_LOG, Check, Fault, fault_in
from fedarm.federated.inprocess import InProcessGrid
from fedarm.federated.seal import seal
from fedarm.federated.wire import wired
from fedarm.settings import Faults

_POLL_S = 0.1


class ClientError(FedarmError):
    """A client failed, did not answer, or answered with numbers that cannot be used."""


@dataclass(frozen=True)
class Exclusion:
    """A client that an exchange went on without."""

    client: str
    during: str
    reason: str
    detail: str


class Exchange:
    """Messages to all clients and their replies.

    Args:
        grid: The way to the clients.
        messages: One a client, in any order.
        clients: Names of the clients by node id, in client order.
        during: When this is, for messages: "round 3".
        faults: What happens without a reply that can be used; by default the exchange fails.
        check: A further check of a reply, which is finite and whole.
        dtype: How arrays travel, `float32` or `bfloat16`; replies come back in 32 bits.
    """

    def __init__(
        self,
        grid: Grid,
        messages: Iterable[Message],
        *,
        clients: Mapping[int, str],
        during: str,
        faults: Faults | None = None,
        check: Check = lambda _: None,
        dtype: str = "float32",
    ) -> None:
        self._grid = grid
        self._clients = clients
        self._during = during
        self._faults = faults or Faults()
        self._check = check
        by_node = {message.metadata.dst_node_id: message for message in messages}
        unaddressed = [name for node, name in clients.items() if node not in by_node]
        if unaddressed:
            raise ClientError(
                f"clients left the federation before {during}",
                value=unaddressed,
                remedy="connect them again and start the run again",
            )
        # In client order, which is the order of work in one process.
        self._sent = [wired(by_node[node], dtype) for node in clients]
        self.bytes_down = sum(_array_bytes(message) for message in self._sent)
        self.bytes_up = 0
        self.exclusions: list[Exclusion] = []

    def replies(self) -> Iterator[Message]:
        """Yield the replies that can be used, in client order; once.

        Summing in another order changes two thirds of the 32-bit sums, so the order of arrival, which no
        seed controls, must not matter.

        Raises:
            ClientError: A reply cannot be used, or, where that is allowed, too few are left.
        """
        if not isinstance(self._grid, InProcessGrid):
            # In one process nothing travels that could be damaged on the way.
            for content in {
                id(message.content): message.content for message in self._sent
            }.values():
                seal(content)
        used = 0
        for node, arrived in _in_order(self._arrivals(), list(self._clients)):
            travelled = 0 if arrived is None else _array_bytes(arrived)
            fault = fault_in(arrived, self._check)
            if fault is not None:
                self._exclude(self._clients[node], fault)
            elif arrived is not None:
                used += 1
                self.bytes_up += travelled
                yield arrived
            # The next one is only made when this one is gone.
            del arrived
        if used < (wanted := self._faults.fewest(len(self._clients))):
            raise ClientError(
                f"{used} of {len(self._clients)} clients could be used in {self._during}, and "
                f"{wanted} are needed: {[asdict(exclusion) for exclusion in self.exclusions]}",
                key="federation.min_clients",
                value=wanted,
                remedy=SEE_LOG,
            )

    def _arrivals(self) -> Iterator[Message]:
        if isinstance(self._grid, InProcessGrid):
            yield from self._grid.send_and_receive(self._sent, timeout=self._faults.timeout_s)
        else:
            yield from _pull(self._grid, self._sent, timeout_s=self._faults.timeout_s)

    def _exclude(self, client: str, fault: Fault) -> None:
        if not self._faults.excludes:
            said = f": {fault.detail}" if fault.reason == "failed" else ""
            raise ClientError(
                f"client {client!r} {fault.what} in {self._during}{said}",
                key=None if said else fault.detail or None,
                value=client,
                remedy=fault.remedy,
            )
        self.exclusions.append(Exclusion(client, self._during, fault.reason, fault.detail))


@dataclass(frozen=True)
class Answers:
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
    grid: Grid, messages: Iterable[Message], *, clients: Mapping[int, str], during: str
) -> Answers:
    """Send a message to every client and return all their replies in client order.

    Args:
        grid: The way to the clients.
        messages: One a client, in any order.
        clients: Names of the clients by node id, in client order.
        during: When this is, for messages: "the roster call".

    Raises:
        ClientError: A client got no message, failed, did not answer, or answered with NaN or infinity.
    """
    exchanged = Exchange(grid, messages, clients=clients, during=during)
    replies = tuple(exchanged.replies())
    return Answers(replies, exchanged.bytes_down, exchanged.bytes_up)


def _in_order(
    arrivals: Iterator[Message], nodes: Sequence[int]
) -> Iterator[tuple[int, Message | None]]:
    """Yield each node with its reply, or None if it has not come by the end, in the nodes' order."""
    early: dict[int, Message] = {}
    ended = False
    for node in nodes:
        while node not in early and not ended:
            reply = next(arrivals, None)
            ended = reply is None
            if reply is not None:
                early[reply.metadata.src_node_id] = reply
            del reply
        yield node, early.pop(node, None)


def _pull(grid: Grid, sent: Sequence[Message], *, timeout_s: float | None) -> Iterator[Message]:
    """Yield replies in the order of the messages, each fetched when it is asked for.

    A reply that comes after the deadline is never fetched: its round has ended without it.
    """
    deadline_s = time.monotonic() + timeout_s if timeout_s else None
    for message_id in list(grid.push_messages(sent)):
        while not (pulled := list(grid.pull_messages([message_id]))):
            if deadline_s is not None and time.monotonic() > deadline_s:
                break
            time.sleep(_POLL_S)
        while pulled:
            yield pulled.pop()


def _array_bytes(message: Message) -> int:
    if not message.has_content():
        return 0
    return sum(
        len(array.data)
        for arrays in all_of(message.content, ArrayRecord).values()
        for array in arrays.values()
    )
