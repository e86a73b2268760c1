"""A Flower grid without a network: messages go straight to the ClientApp in this process.

There are no ports, no serialisation and no worker processes, and a client's failure is an ordinary
exception. Messages are not copied on the way, so a client must not change what it receives.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable

from flwr.app import Context, Error, Message, RecordDict, UserConfig
from flwr.clientapp import ClientApp
from flwr.common.constant import ErrorCode
from flwr.serverapp import Grid
from flwr.supercore.run import Run
from flwr.supercore.task_identity import TaskIdentity

from fedarm.errors import FedarmError
from fedarm.federated.keys import PARTITION
from fedarm.federated.memory import keep_freed_memory

_RUN_ID = 1
_TASK_ID = 1
_SERVER_NODE_ID = 1
_FIRST_CLIENT_NODE_ID = 2


class InProcessGrid(Grid):
    """Calls the ClientApp when a message is pushed, and keeps the reply until it is pulled.

    Args:
        client_app: The app of every client.
        clients: How many clients there are; client i has the partition-id i.
        catch_failures: Whether a client that fails answers with its error, as over a network.
    """

    def __init__(
        self, client_app: ClientApp, clients: int, *, catch_failures: bool = False
    ) -> None:
        keep_freed_memory()
        self._client_app = client_app
        self._catch_failures = catch_failures
        self._run = Run.create_empty(_RUN_ID)
        self._contexts = {
            _FIRST_CLIENT_NODE_ID + index: Context(
                run_id=_RUN_ID,
                node_id=_FIRST_CLIENT_NODE_ID + index,
                node_config={PARTITION: index, "num-partitions": clients},
                state=RecordDict(),
                run_config={},
            )
            for index in range(clients)
        }
        self._replies: dict[str, Message] = {}
        self._message_ids = (str(number) for number in itertools.count())
        # Flower takes a message's sender from the process, where its launcher would have set it.
        TaskIdentity.task_id = _TASK_ID
        TaskIdentity.run_id = _RUN_ID
        TaskIdentity.node_id = _SERVER_NODE_ID

    def server_context(self, run_config: UserConfig) -> Context:
        """Return the context of the ServerApp that uses this grid."""
        return Context(
            run_id=_RUN_ID,
            node_id=_SERVER_NODE_ID,
            node_config={},
            state=RecordDict(),
            run_config=run_config,
        )

    def set_run(self, run: Run) -> None:
        """Set the run that this grid belongs to."""
        self._run = run

    @property
    def run(self) -> Run:
        """The run that this grid belongs to."""
        return self._run

    def create_message(
        self,
        content: RecordDict,
        message_type: str,
        dst_node_id: int,
        group_id: str,
        ttl: float | None = None,
    ) -> Message:
        """Return a message from the server to a client."""
        return Message(content, dst_node_id, message_type, group_id=group_id, ttl=ttl)

    def get_node_ids(self) -> Iterable[int]:
        """Return the clients' node ids, in client order."""
        return list(self._contexts)

    def push_messages(self, messages: Iterable[Message]) -> Iterable[str]:
        """Let each addressed client work; return the ids under which the replies can be pulled."""
        ids = []
        for message in messages:
            message_id = next(self._message_ids)
            self._replies[message_id] = self._answer(message)
            ids.append(message_id)
        return ids

    def pull_messages(self, message_ids: Iterable[str]) -> Iterable[Message]:
        """Return the replies to pushed messages, each once."""
        return [self._replies.pop(message_id) for message_id in message_ids]

    def send_and_receive(
        self, messages: Iterable[Message], *, timeout: float | None = None
    ) -> Iterable[Message]:
        """Yield the replies, each made when it is asked for; nothing here can time out.

        So there is never more than one reply in memory that its reader has not yet seen.
        """
        del timeout
        for message in messages:
            yield self._answer(message)

    def _answer(self, message: Message) -> Message:
        context = self._contexts[message.metadata.dst_node_id]
        try:
            return self._client_app(message, context)
        except Exception as error:
            if not self._catch_failures:
                raise
            reason = str(error) if isinstance(error, FedarmError) else repr(error)
            return Message(Error(ErrorCode.CLIENT_APP_RAISED_EXCEPTION, reason), reply_to=message)
