"""The ClientApp: what one client does with its own data when the server asks.

    query.identity  which client it is
    query.sums      its sums, for the global normalisation
    train           one round of local steps from the global weights
    evaluate        the held-out loss of the global weights

Which client a node is, its own configuration says (`fedarm.federated.site`): by name, or by its
`partition-id`, the place in the run's list of clients.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from flwr.app import ArrayRecord, ConfigRecord, Context, Message, MetricRecord, RecordDict
from flwr.clientapp import ClientApp

from fedarm.config_arms import ScaffoldArm
from fedarm.errors import FedarmError
from fedarm.federated.client_state import load_client_state, save_client_state
from fedarm.federated.contents import arrays_in, config_in, extend_config
from fedarm.federated.exchange import ClientError
from fedarm.federated.keys import (
    ACCEPTED_ROUND,
    ARRAYS,
    CONFIG,
    DATA_DIGEST,
    HELD_OUT_LOSS,
    LR_FACTORS,
    METRICS,
    NUM_EXAMPLES,
    PARTITION,
    PROXIMAL_MU,
    SEAL,
    SERVER_ROUND,
    START_DIGEST,
)
from fedarm.federated.records import (
    averages_moments,
    control_in,
    load_weights,
    number_in,
    optimizer_in,
    pack_losses,
    pack_sums,
    pack_weights,
    settings_in,
    statistics_in,
)
from fedarm.federated.seal import is_intact, is_sealed, seal
from fedarm.federated.site import CLIENT, Site, site_of
from fedarm.federated.start import load_start
from fedarm.federated.wire import from_wire, to_wire
from fedarm.logging import get_logger
from fedarm.policies.checkpoint import digest_checkpoint
from fedarm.settings import DataSource, TrainSettings
from fedarm.training.control_variate import ControlVariate
from fedarm.training.held_out import held_out_loss
from fedarm.training.loop import LocalTrainer, trainable_parameters
from fedarm.training.rows import Rows, TrainRows, load_held_out_rows, load_train_rows
from fedarm.training.store import data_digest

if TYPE_CHECKING:
    from lerobot.policies.pretrained import PreTrainedPolicy

# In one process there may be many clients; each reads its files once.
_CACHED_CLIENTS = 64

_logger = get_logger(__name__)

app = ClientApp()


@app.query("identity")
def identity(message: Message, context: Context) -> Message:
    """Answer with which client this is: its name, or its place when it has been given none."""
    site = site_of(context)
    place = -1 if site.partition is None else site.partition
    reply = _reply(message, MetricRecord({PARTITION: place}))
    if site.client is not None:
        reply.content[CONFIG] = ConfigRecord({CLIENT: site.client})
    return reply


@app.query("sums")
def sums(message: Message, context: Context) -> Message:
    """Answer with the sums over this client's train split, and with what its results depend on."""
    site = site_of(context)
    settings, name = _identify(message, site)
    with _naming(site, name, "the query for sums"):
        source = site.source_in(settings)
        rows = _train_rows(source, settings.policy.chunk_size)
        arrays = pack_sums(rows.sums())
        digests = {DATA_DIGEST: data_digest(source)}
        if site.start is not None:
            digests[START_DIGEST] = digest_checkpoint(site.start)
    reply = _reply(message, MetricRecord({NUM_EXAMPLES: len(rows)}), arrays)
    extend_config(reply.content, ConfigRecord({**digests}))
    return reply


@app.train()
def train(message: Message, context: Context) -> Message:
    """Train from the global weights for one round; answer with the new weights and the losses."""
    site = site_of(context)
    settings, name = _identify(message, site)
    instructions = _config(message)
    round_number = int(number_in(instructions, SERVER_ROUND))
    with _naming(site, name, f"round {round_number}"):
        _check_seal(message)
        source = site.source_in(settings)
        rows = _train_rows(source, settings.policy.chunk_size)
        policy = _global_policy(message, settings)
        control = _control(message, settings, source.name, policy)
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
            control=control,
            lr_factor=_lr_factor(instructions, settings, source.name),
            **_optimizer(settings),
        )
        moments = optimizer_in(_arrays(message))
        if moments:
            trainer.load_optimizer_state(moments)
        losses = trainer.run(0, settings.local_steps)
        if control is not None:
            _remember(control, message, settings, source.name)
    travelling = trainer.optimizer_state() if averages_moments(settings) else None
    packed = pack_weights(policy, travelling, control.change() if control else None)
    weights = to_wire(packed, settings.exchange_dtype)
    return _reply(message, pack_losses(losses, rows=len(rows)), weights)


@app.evaluate()
def evaluate(message: Message, context: Context) -> Message:
    """Answer with the loss of the global weights on this client's held-out rows."""
    site = site_of(context)
    settings, name = _identify(message, site)
    instructions = _config(message)
    round_number = int(number_in(instructions, SERVER_ROUND))
    with _naming(site, name, f"the evaluation of round {round_number}"):
        _check_seal(message)
        source = site.source_in(settings)
        rows = _held_out_rows(
            source, settings.policy.chunk_size, limit=settings.training.held_out_rows
        )
        loss = held_out_loss(_global_policy(message, settings), rows, statistics_in(instructions))
    return _reply(message, MetricRecord({HELD_OUT_LOSS: loss, NUM_EXAMPLES: len(rows)}))


def _identify(message: Message, site: Site) -> tuple[TrainSettings, str]:
    """Return the run's settings as they are at this site, and the name of its client."""
    settings = site.localized(settings_in(_config(message)))
    return settings, site.client_in(settings)


def _lr_factor(instructions: ConfigRecord, settings: TrainSettings, client: str) -> float:
    """Return what the server wants a client's learning rate multiplied by; 1 if it says nothing."""
    factors = instructions.get(LR_FACTORS)
    if not isinstance(factors, list):
        return 1.0
    return float(factors[settings.run.clients.index(client)])


def _config(message: Message) -> ConfigRecord:
    return config_in(message.content)


def _reply(message: Message, metrics: MetricRecord, arrays: ArrayRecord | None = None) -> Message:
    content = RecordDict({METRICS: metrics})
    if arrays is not None:
        content[ARRAYS] = arrays
    # As the server has sealed what it sent, so is the answer.
    if is_sealed(message.content):
        seal(content)
    return Message(content, reply_to=message)


def _check_seal(message: Message) -> None:
    if is_sealed(message.content) and not is_intact(message.content):
        raise ClientError(
            "the weights were damaged on the way: their digest is another",
            key=SEAL,
            remedy="start the run again: it goes on from its last round",
        )


def _optimizer(settings: TrainSettings) -> dict[str, Any]:
    """Return the optimizer of an arm that has its own."""
    if not isinstance(settings.arm, ScaffoldArm):
        return {}
    return {"sgd": settings.arm.optimizer == "sgd", "lr": settings.arm.client_lr}


def _control(
    message: Message, settings: TrainSettings, client: str, policy: PreTrainedPolicy
) -> ControlVariate | None:
    """Return the control variates of a strategy that has some."""
    instructions = _config(message)
    if ACCEPTED_ROUND not in instructions:
        return None
    accepted_round = int(number_in(instructions, ACCEPTED_ROUND))
    return ControlVariate(
        trainable_parameters(policy),
        server=control_in(_arrays(message)),
        own=load_client_state(settings, client, accepted_round),
    )


def _remember(
    control: ControlVariate, message: Message, settings: TrainSettings, client: str
) -> None:
    instructions = _config(message)
    save_client_state(
        settings,
        client,
        control.new_values(),
        round_number=int(number_in(instructions, SERVER_ROUND)),
        accepted_round=int(number_in(instructions, ACCEPTED_ROUND)),
    )


@contextmanager
def _naming(site: Site, client: str, during: str) -> Iterator[None]:
    """Say in an error whose it is and when it happened, without what the server must not know."""
    try:
        yield
    except FedarmError as error:
        text = f"client {client!r} failed in {during}: {site.redacted(str(error))}"
        raise ClientError(text) from error
    except OSError as error:
        if not site.is_private:
            raise
        # Flower sends an exception's text, which for these holds a path, to the server.
        _logger.exception("client %r failed in %s", client, during)
        text = f"client {client!r} failed in {during}: {site.redacted(str(error))}"
        raise ClientError(text, remedy="see the log of the client's node") from None


def _global_policy(message: Message, settings: TrainSettings) -> PreTrainedPolicy:
    """Return this process's policy at the weights that the server sent."""
    policy = _policy(settings)
    load_weights(policy, _arrays(message))
    return policy


def _arrays(message: Message) -> ArrayRecord:
    """Return the arrays that the server sent, in 32 bits."""
    return from_wire(arrays_in(message.content))


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
