"""The ClientApp: what one client does with its own data when the server asks.

    query.identity  which client it is
    query.sums      its sums, for the global normalisation
    train           one round of local steps from the global weights
    evaluate        the held-out loss of the global weights

Which client a node is, its `partition-id` says: the place in the run's list of clients.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import TYPE_CHECKING

from flwr.app import ArrayRecord, ConfigRecord, Context, Message, MetricRecord, RecordDict
from flwr.clientapp import ClientApp

from fedarm.errors import FedarmError
from fedarm.federated.exchange import ClientError
from fedarm.federated.keys import (
    ARRAYS,
    CONFIG,
    HELD_OUT_LOSS,
    LR_FACTORS,
    METRICS,
    NUM_EXAMPLES,
    PARTITION,
    PROXIMAL_MU,
    SERVER_ROUND,
)
from fedarm.federated.records import (
    averages_moments,
    load_weights,
    number_in,
    optimizer_in,
    pack_losses,
    pack_sums,
    pack_weights,
    settings_in,
    statistics_in,
)
from fedarm.federated.start import load_start
from fedarm.federated.wire import from_wire, to_wire
from fedarm.settings import DataSource, TrainSettings
from fedarm.training.held_out import held_out_loss
from fedarm.training.loop import LocalTrainer
from fedarm.training.rows import Rows, TrainRows, load_held_out_rows, load_train_rows

if TYPE_CHECKING:
    from lerobot.policies.pretrained import PreTrainedPolicy

# In one process there may be many clients; each reads its files once.
_CACHED_CLIENTS = 64

app = ClientApp()


@app.query("identity")
def identity(message: Message, context: Context) -> Message:
    """Answer with which client this is."""
    return _reply(message, MetricRecord({PARTITION: int(context.node_config[PARTITION])}))


@app.query("sums")
def sums(message: Message, context: Context) -> Message:
    """Answer with the sums over this client's train split."""
    settings, source = _identify(message, context)
    with _naming(source.name, "the query for sums"):
        rows = _train_rows(source, settings.policy.chunk_size)
        arrays = pack_sums(rows.sums())
    return _reply(message, MetricRecord({NUM_EXAMPLES: len(rows)}), arrays)


@app.train()
def train(message: Message, context: Context) -> Message:
    """Train from the global weights for one round; answer with the new weights and the losses."""
    settings, source = _identify(message, context)
    instructions = _config(message)
    round_number = int(number_in(instructions, SERVER_ROUND))
    with _naming(source.name, f"round {round_number}"):
        rows = _train_rows(source, settings.policy.chunk_size)
        policy = _global_policy(message, settings)
        trainer = LocalTrainer(
            policy,
            rows,
            settings=settings,
            statistics=statistics_in(instructions),
            clients=(source.name,),
            round_number=round_number,
            rounds=settings.rounds,
            steps=settings.local_steps,
            mu=number_in(instructions, PROXIMAL_MU) if PROXIMAL_MU in instructions else 0.0,
            lr_factor=_lr_factor(instructions, context),
        )
        moments = optimizer_in(_arrays(message))
        if moments:
            trainer.load_optimizer_state(moments)
        losses = trainer.run(0, settings.local_steps)
    travelling = trainer.optimizer_state() if averages_moments(settings) else None
    weights = to_wire(pack_weights(policy, travelling), settings.exchange_dtype)
    return _reply(message, pack_losses(losses, rows=len(rows)), weights)


@app.evaluate()
def evaluate(message: Message, context: Context) -> Message:
    """Answer with the loss of the global weights on this client's held-out rows."""
    settings, source = _identify(message, context)
    instructions = _config(message)
    round_number = int(number_in(instructions, SERVER_ROUND))
    with _naming(source.name, f"the evaluation of round {round_number}"):
        rows = _held_out_rows(
            source, settings.policy.chunk_size, limit=settings.training.held_out_rows
        )
        loss = held_out_loss(_global_policy(message, settings), rows, statistics_in(instructions))
    return _reply(message, MetricRecord({HELD_OUT_LOSS: loss, NUM_EXAMPLES: len(rows)}))


def _identify(message: Message, context: Context) -> tuple[TrainSettings, DataSource]:
    """Return the run's settings and the dataset of this client."""
    settings = settings_in(_config(message))
    partition = int(context.node_config[PARTITION])
    if not 0 <= partition < len(settings.sources):
        raise ClientError(
            f"the run has {len(settings.sources)} clients, and this node is none of them",
            key=PARTITION,
            value=partition,
            remedy="start one node a client, with partition-ids from 0",
        )
    return settings, settings.sources[partition]


def _lr_factor(instructions: ConfigRecord, context: Context) -> float:
    """Return what the server wants this client's learning rate multiplied by; 1 if it says nothing."""
    factors = instructions.get(LR_FACTORS)
    if not isinstance(factors, list):
        return 1.0
    return float(factors[int(context.node_config[PARTITION])])


def _config(message: Message) -> ConfigRecord:
    return message.content.config_records[CONFIG]


def _reply(message: Message, metrics: MetricRecord, arrays: ArrayRecord | None = None) -> Message:
    content = RecordDict({METRICS: metrics})
    if arrays is not None:
        content[ARRAYS] = arrays
    return Message(content, reply_to=message)


@contextmanager
def _naming(client: str, during: str) -> Iterator[None]:
    """Say in an error whose it is, and when it happened."""
    try:
        yield
    except FedarmError as error:
        raise ClientError(f"client {client!r} failed in {during}: {error}") from error


def _global_policy(message: Message, settings: TrainSettings) -> PreTrainedPolicy:
    """Return this process's policy at the weights that the server sent."""
    policy = _policy(settings)
    load_weights(policy, _arrays(message))
    return policy


def _arrays(message: Message) -> ArrayRecord:
    """Return the arrays that the server sent, in 32 bits."""
    return from_wire(message.content.array_records[ARRAYS])


@lru_cache(maxsize=1)
def _policy(settings: TrainSettings) -> PreTrainedPolicy:
    """Return a policy to train in; clients in one process use it one after the other."""
    return load_start(settings)


@lru_cache(maxsize=_CACHED_CLIENTS)
def _train_rows(source: DataSource, chunk_size: int) -> TrainRows:
    return load_train_rows([source], chunk_size)


@lru_cache(maxsize=_CACHED_CLIENTS)
def _held_out_rows(source: DataSource, chunk_size: int, *, limit: int) -> Rows:
    return load_held_out_rows(source, chunk_size, limit=limit)
