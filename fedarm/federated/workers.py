"""A grid whose clients work side by side, each in the worker process that is its own.

Client i belongs to worker i modulo the number of workers, for the whole run: a worker reads the data of
its clients once, and no more than once. The workers share out the GPUs of the job. A client's Flower
context stays with the grid and travels with each message, so a worker that dies takes no client's memory
with it; it is started again when one of its clients is next addressed.

Replies come back in the order of the messages, and each client sees the same messages in the same order
whatever the number of workers, so that number changes no byte of a result.
"""

from __future__ import annotations

import logging
import multiprocessing
import os
import traceback
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess

from flwr.app import Context, Error, Message
from flwr.clientapp import ClientApp
from flwr.common.constant import ErrorCode

from fedarm.errors import FedarmError
from fedarm.federated.inprocess import InProcessGrid
from fedarm.federated.keys import PARTITION
from fedarm.gpus import VISIBLE, gpus_for_each
from fedarm.logging import get_logger
from fedarm.processes import end_with_parent

# A fresh interpreter: a fork would copy PyTorch's threads in whatever state they are.
_SPAWN = multiprocessing.get_context("spawn")

_logger = get_logger(__name__)


class WorkersGrid(InProcessGrid):
    """Calls the ClientApp in worker processes.

    A client's failure is an error reply, also when it takes its process down.

    Args:
        load_app: Returns the app of every client; a function of a module, which each worker imports.
        clients: How many clients there are; client i has the partition-id i.
        workers: How many processes; more than there are clients would idle.
    """

    def __init__(self, load_app: Callable[[], ClientApp], clients: int, *, workers: int) -> None:
        super().__init__(load_app(), clients)
        gpus = gpus_for_each(min(workers, clients))
        self._workers = [_Worker(load_app, index, gpu) for index, gpu in enumerate(gpus)]
        for worker in self._workers:
            worker.start()

    def __enter__(self) -> WorkersGrid:
        return self

    def __exit__(self, *_: object) -> None:
        for worker in self._workers:
            worker.stop()

    def push_messages(self, messages: Iterable[Message]) -> Iterable[str]:
        """Let the addressed clients work; return the ids under which the replies can be pulled."""
        sent = list(messages)
        ids = [next(self._message_ids) for _ in sent]
        self._replies.update(zip(ids, self.send_and_receive(sent), strict=True))
        return ids

    def send_and_receive(
        self, messages: Iterable[Message], *, timeout: float | None = None
    ) -> Iterable[Message]:
        """Let the addressed clients work and return their replies, in the order of the messages.

        Args:
            messages: At most one a client at a time makes sense, but any number is served in order.
            timeout: Seconds after which a worker that is still busy is ended. Its clients that have not
                answered by then are missing from the replies.
        """
        jobs: dict[_Worker, list[_Job]] = {worker: [] for worker in self._workers}
        ordered = [_Job(message) for message in messages]
        for job in ordered:
            context = self._contexts[job.message.metadata.dst_node_id]
            partition = int(context.node_config[PARTITION])
            jobs[self._workers[partition % len(self._workers)]].append(job)
        with ThreadPoolExecutor(len(self._workers)) as threads:
            served = {
                threads.submit(worker.serve, work, self._contexts): worker
                for worker, work in jobs.items()
            }
            _, late = wait(served, timeout)
            for future in late:
                served[future].stop()
        # What a worker says of a client whose time is up is not the client's answer.
        late_workers = {served[future] for future in late}
        ended = {id(job) for worker in late_workers for job in jobs[worker] if job.died}
        return [job.reply for job in ordered if job.reply is not None and id(job) not in ended]


@dataclass(eq=False)
class _Job:
    """A message, and its reply when there is one; `died` when the worker made none."""

    message: Message
    reply: Message | None = None
    died: bool = False


@dataclass(eq=False)
class _Worker:
    """A process that serves some of the clients, one message after the other."""

    load_app: Callable[[], ClientApp]
    index: int
    gpu: str
    _process: BaseProcess | None = field(default=None, init=False)
    _connection: Connection | None = field(default=None, init=False)
    _stopped: bool = field(default=False, init=False)

    def start(self) -> Connection:
        """Start the process; return the connection to it."""
        self._connection, theirs = _SPAWN.Pipe()
        self._process = _SPAWN.Process(
            target=_work,
            args=(theirs, self.load_app, self.gpu),
            name=f"clients-{self.index}",
            daemon=True,
        )
        self._process.start()
        # Only the worker holds its end now, so that its death ends the connection.
        theirs.close()
        self._stopped = False
        return self._connection

    def stop(self) -> None:
        """End the process, whatever it is doing."""
        self._stopped = True
        if self._process is not None:
            self._process.kill()
            self._process.join()

    def serve(self, jobs: Sequence[_Job], contexts: dict[int, Context]) -> None:
        """Have the jobs done one after the other."""
        if jobs:
            self._connect()
        for job in jobs:
            if self._stopped:
                return
            node = job.message.metadata.dst_node_id
            try:
                connection = self._connect()
                connection.send((job.message, contexts[node]))
                job.reply, contexts[node] = connection.recv()
            except (EOFError, OSError):
                job.reply, job.died = self._obituary(job.message, contexts[node]), True

    def _connect(self) -> Connection:
        """Return the connection to the process, which is started again if it has died."""
        alive = self._process is not None and self._process.is_alive()
        if self._stopped or not alive or self._connection is None:
            return self.start()
        return self._connection

    def _obituary(self, message: Message, context: Context) -> Message:
        """Return the error reply of a client whose process has died."""
        code = None
        if self._process is not None:
            self._process.join()
            code = self._process.exitcode
        client = context.node_config[PARTITION]
        reason = f"the worker process of client {client} ended with exit code {code}"
        return Message(Error(ErrorCode.NODE_UNAVAILABLE, reason), reply_to=message)


def _work(connection: Connection, load_app: Callable[[], ClientApp], gpu: str) -> None:
    """Answer messages until the grid is gone; the body of a worker process."""
    # CUDA reads it when it is first used, which is later.
    os.environ[VISIBLE] = gpu
    end_with_parent()
    logging.getLogger("flwr").setLevel(logging.WARNING)
    app = load_app()
    while True:
        try:
            message, context = connection.recv()
        except EOFError:
            return
        connection.send((_answer(app, message, context), context))


def _answer(app: ClientApp, message: Message, context: Context) -> Message:
    """Return the client's reply, an error reply when the app raises."""
    try:
        return app(message, context)
    except FedarmError as error:
        reason = str(error)
    except Exception as error:
        _logger.exception("the ClientApp raised an exception")
        reason = "".join(traceback.format_exception_only(error)).strip()
    return Message(Error(ErrorCode.CLIENT_APP_RAISED_EXCEPTION, reason), reply_to=message)
