"""The rounds of a federated run, on the server: train, aggregate, evaluate, save.

Flower's own loop, `Strategy.start`, counts from round 1 again when a run goes on, and goes on without
clients that failed; strategies are used here through the same methods.

All clients must be there when a run begins and when it goes on, for the normalisation is of all their
rows; what happens when one is missing later, `federation.missing_reply` says.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from flwr.app import ArrayRecord, ConfigRecord, Message
from flwr.serverapp import Grid

from fedarm.config_arms import FederatedModel
from fedarm.errors import ConfigError
from fedarm.federated.client_state import forget_client_states
from fedarm.federated.contents import metrics_in
from fedarm.federated.exchange import ClientError, Exchange
from fedarm.federated.faults import same_update
from fedarm.federated.keys import HELD_OUT_LOSS, LR_FACTORS, PROXIMAL_MU
from fedarm.federated.records import (
    OptimizerState,
    load_weights,
    losses_in,
    number_in,
    optimizer_in,
    pack_config,
    pack_weights,
    weights_only,
)
from fedarm.federated.roster import call_roster, rejoin
from fedarm.federated.start import load_start
from fedarm.federated.statistics import GatheredSums, gather_sums
from fedarm.federated.strategies import STRATEGIES, RoundStrategy
from fedarm.locks import only_writer
from fedarm.logging import Progress
from fedarm.policies.normalization import Statistics
from fedarm.settings import TrainSettings
from fedarm.training.adaptation import (
    RoundPlan,
    idle_line,
    plan_record,
    plan_round,
    stopped_after,
)
from fedarm.training.device import prepare_torch
from fedarm.training.held_out import held_out_losses
from fedarm.training.loop import OPTIMIZER_PREFIX, StepLosses
from fedarm.training.metrics import metrics_line, write_metrics
from fedarm.training.rows import Rows, load_held_out_rows
from fedarm.training.store import MetricsLine, RoundStore, run_fingerprint

if TYPE_CHECKING:
    from lerobot.policies.pretrained import PreTrainedPolicy

# Imports both apps, so its digest covers the clients' code too.
_ENTRY = Path(__file__).with_name("run.py")


@dataclass(frozen=True)
class Federation:
    """What stays the same over the rounds, and the global policy, which each round changes in place.

    Attributes:
        grid: The way to the clients.
        settings: The run's settings.
        clients: The clients' names by node id, in client order; a client that comes back may have
            another node.
        rows: Rows of each client, in client order.
        statistics: The global normalisation.
        sums_bytes: What the clients sent for it, in bytes.
        strategy: The federated algorithm.
        policy: The global policy.
        unseen: Held-out rows of the datasets that no client has, by name.
        optimizer: Adam's averaged moments, which each round replaces; empty when clients start afresh.
    """

    grid: Grid
    settings: TrainSettings
    clients: dict[int, str]
    rows: tuple[int, ...]
    statistics: Statistics
    sums_bytes: int
    strategy: RoundStrategy
    policy: PreTrainedPolicy
    unseen: Mapping[str, Rows]
    optimizer: OptimizerState


def hold_rounds(grid: Grid, settings: TrainSettings) -> None:
    """Train a federated run to its end, from the newest round on disk or from the base policy.

    Args:
        grid: The way to the clients; as many nodes as the run has clients.
        settings: The run's settings.

    Raises:
        ClientError: A client failed, did not answer, or answered with NaN.
        CheckpointError: The base is missing, broken, or of another architecture.
        ResultsError: The budget was not kept, or the results cannot be written.
    """
    with only_writer(settings.checkpoints.parent):
        _hold_rounds(grid, settings)


def _hold_rounds(grid: Grid, settings: TrainSettings) -> None:
    clients = call_roster(grid, settings.run.clients)
    gathered = gather_sums(grid, settings, clients)
    fingerprint = run_fingerprint(settings, _ENTRY, elsewhere=gathered.data_digests)
    store = RoundStore.open(settings, fingerprint)
    federation = _federate(grid, settings, store=store, clients=clients, gathered=gathered)
    done = store.last_round
    # What the clients start from; each round gives that of the next.
    sent = pack_weights(federation.policy, federation.optimizer)
    if not done:
        store.log(_start_line(federation, sent))
    progress = Progress(
        settings.samples,
        label=f"{settings.run.name} seed {settings.run.seed}",
        unit="samples",
        done=settings.samples * done // settings.rounds,
    )
    lines = store.rows()
    with progress:
        for number in range(done + 1, settings.rounds + 1):
            stopped = stopped_after(settings, lines)
            if stopped is None:
                plan = plan_round(settings, lines)
                line, sent = _hold_round(federation, number, plan, sent)
            else:
                line = idle_line(lines[-1], number, stopped=stopped)
            if stopped is None or settings.is_kept(number):
                state = {**federation.strategy.state(), **federation.optimizer}
                personal = _personal(federation) if settings.is_kept(number) else {}
                store.save(number, federation.policy, federation.statistics, state, line, personal)
            else:
                store.log(line)
            lines.append(line)
            progress.advance(line["samples"])
    forget_client_states(settings)
    write_metrics(settings, store, policy=federation.policy)


def _federate(
    grid: Grid,
    settings: TrainSettings,
    *,
    store: RoundStore,
    clients: dict[int, str],
    gathered: GatheredSums,
) -> Federation:
    """Restore strategy and policy as they were after the newest round."""
    strategy = _strategy(settings, gathered.rows)
    optimizer: OptimizerState = {}
    if not store.last_round:
        policy = load_start(settings)
    else:
        loaded, saved = store.load()
        state = dict(saved)
        policy = loaded.policy.to(prepare_torch())
        if store.last_round < settings.rounds:
            for name in [name for name in state if name.startswith(OPTIMIZER_PREFIX)]:
                optimizer[name] = state.pop(name)
            strategy.load_state(state)
    return Federation(
        grid=grid,
        settings=settings,
        clients=clients,
        rows=gathered.rows,
        statistics=gathered.sums.statistics(),
        sums_bytes=gathered.bytes_up,
        strategy=strategy,
        policy=policy,
        unseen=_unseen_rows(settings),
        optimizer=optimizer,
    )


def _strategy(settings: TrainSettings, rows: tuple[int, ...]) -> RoundStrategy:
    arm = settings.arm
    if not isinstance(arm, FederatedModel):
        raise ConfigError(
            "not a federated arm",
            key=f"arms.{settings.run.arm}",
            value=settings.run.kind,
            remedy="name an arm of kind `federated`",
        )
    return STRATEGIES[arm.strategy](arm, rows)


def _unseen_rows(settings: TrainSettings) -> dict[str, Rows]:
    return {
        source.name: load_held_out_rows(
            source, settings.policy.chunk_size, limit=settings.training.held_out_rows
        )
        for source in settings.evaluated
        if source.name not in settings.run.clients
    }


def _start_line(federation: Federation, sent: ArrayRecord) -> MetricsLine:
    """Return the metrics of the start: what the base policy loses under the run's normalisation."""
    losses, evaluated = _evaluate(federation, 0, sent)
    return metrics_line(
        0,
        {},
        losses,
        seconds=0.0,
        bytes_up=federation.sums_bytes + evaluated.bytes_up,
        bytes_down=evaluated.bytes_down,
        exclusions=_exclusions("evaluate", evaluated),
    )


def _hold_round(
    federation: Federation, number: int, plan: RoundPlan, sent: ArrayRecord
) -> tuple[MetricsLine, ArrayRecord]:
    """Train in every client, aggregate into the global policy, and evaluate it.

    Returns:
        The metrics, and the new weights as they are sent.
    """
    start_s = time.monotonic()
    if federation.settings.faults.excludes:
        rejoin(federation.grid, federation.clients)
    federation.strategy.meet(tuple(federation.clients))
    config = _pack_plan(federation, plan)
    trained = Exchange(
        federation.grid,
        federation.strategy.configure_train(number, sent, config, federation.grid),
        clients=federation.clients,
        during=f"round {number}",
        faults=federation.settings.faults,
        check=same_update(sent, rows=dict(zip(federation.clients, federation.rows, strict=True))),
        dtype=federation.settings.exchange_dtype,
    )
    steps: dict[str, StepLosses] = {}
    weights, _ = federation.strategy.aggregate_train(
        number, _noting(trained.replies(), federation.clients, steps)
    )
    if weights is None:
        raise ClientError(
            f"the strategy made no new weights in round {number}",
            key="strategy",
            value=type(federation.strategy).__name__,
            remedy="report a defect",
        )
    load_weights(federation.policy, weights)
    federation.optimizer.clear()
    federation.optimizer.update(optimizer_in(weights))
    held_out, evaluated = _evaluate(federation, number, weights)
    line = metrics_line(
        number,
        steps,
        held_out,
        seconds=time.monotonic() - start_s,
        bytes_up=trained.bytes_up + evaluated.bytes_up,
        bytes_down=trained.bytes_down + evaluated.bytes_down,
        exclusions=[*_exclusions("train", trained), *_exclusions("evaluate", evaluated)],
    )
    return {**line, **plan_record(federation.settings, plan, number)}, weights


def _exclusions(stage: str, exchanged: Exchange) -> list[dict[str, str]]:
    """Return the clients that an exchange went on without, as a metrics line says it."""
    return [
        {"client": left.client, "stage": stage, "reason": left.reason, "detail": left.detail}
        for left in exchanged.exclusions
    ]


def _pack_plan(federation: Federation, plan: RoundPlan) -> ConfigRecord:
    """Return what the clients need to know for a round of training."""
    record = pack_config(federation.settings, federation.statistics)
    factors = [plan.lr_factor * plan.client_lr_factors[c] for c in federation.settings.run.clients]
    if any(factor != 1.0 for factor in factors):
        record[LR_FACTORS] = factors
    if plan.mu is not None:
        record[PROXIMAL_MU] = plan.mu
    return record


def _noting(
    replies: Iterable[Message], clients: Mapping[int, str], steps: dict[str, StepLosses]
) -> Iterator[Message]:
    """Pass replies on, and note what each client's steps did."""
    for reply in replies:
        client = clients[reply.metadata.src_node_id]
        steps[client] = losses_in(metrics_in(reply.content))
        yield reply
        # The next reply is made when this one is gone.
        del reply


def _personal(federation: Federation) -> dict[str, OptimizerState]:
    """Return the parameters of clients' own policies, by client."""
    names = federation.settings.run.clients
    return {names[place]: own for place, own in federation.strategy.personal().items()}


def _evaluate(
    federation: Federation, number: int, sent: ArrayRecord
) -> tuple[dict[str, float], Exchange]:
    """Return the global policy's held-out loss: clients on their own rows, the server on unseen ones."""
    federation.strategy.meet(tuple(federation.clients))
    evaluated = Exchange(
        federation.grid,
        federation.strategy.configure_evaluate(
            number,
            weights_only(sent),
            pack_config(federation.settings, federation.statistics),
            federation.grid,
        ),
        clients=federation.clients,
        during=f"the evaluation of round {number}",
        faults=federation.settings.faults,
        dtype=federation.settings.exchange_dtype,
    )
    by_client = {
        federation.clients[reply.metadata.src_node_id]: number_in(
            metrics_in(reply.content), HELD_OUT_LOSS
        )
        for reply in evaluated.replies()
    }
    by_unseen = held_out_losses(federation.policy, federation.unseen, federation.statistics)
    return {**by_client, **by_unseen}, evaluated
