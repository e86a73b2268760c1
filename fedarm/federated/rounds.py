"""The rounds of a federated run, on the server: train, aggregate, evaluate, save.

Flower's own loop, `Strategy.start`, counts from round 1 again when a run goes on, and goes on without
clients that failed; its strategies are used here through the same methods.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from flwr.app import ConfigRecord
from flwr.serverapp import Grid

from fedarm.config import FedAvgArm, FedProxArm
from fedarm.errors import ConfigError
from fedarm.federated.exchange import ClientError, Exchange, exchange
from fedarm.federated.keys import HELD_OUT_LOSS, LR_FACTORS, METRICS, PROXIMAL_MU
from fedarm.federated.records import (
    OptimizerState,
    load_weights,
    losses_in,
    number_in,
    optimizer_in,
    pack_config,
    pack_weights,
)
from fedarm.federated.roster import call_roster
from fedarm.federated.start import load_start
from fedarm.federated.statistics import gather_sums
from fedarm.federated.strategies import STRATEGIES, RoundStrategy
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
from fedarm.training.loop import OPTIMIZER_PREFIX
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
        clients: The clients' names by node id, in client order.
        statistics: The global normalisation.
        sums_bytes: What the clients sent for it, in bytes.
        strategy: The federated algorithm.
        policy: The global policy.
        unseen: Held-out rows of the datasets that no client has, by name.
        optimizer: Adam's averaged moments, which each round replaces; empty when clients start afresh.
    """

    grid: Grid
    settings: TrainSettings
    clients: Mapping[int, str]
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
    store = RoundStore.open(settings, run_fingerprint(settings, _ENTRY))
    federation = _federate(grid, settings, store)
    done = store.last_round
    if not done:
        store.log(_start_line(federation))
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
                line = _hold_round(federation, number, plan)
            else:
                line = idle_line(lines[-1], number, stopped=stopped)
            if stopped is None or settings.is_kept(number):
                state = {**federation.strategy.state(), **federation.optimizer}
                store.save(number, federation.policy, federation.statistics, state, line)
            else:
                store.log(line)
            lines.append(line)
            progress.advance(line["samples"])
    write_metrics(settings, store, policy=federation.policy)


def _federate(grid: Grid, settings: TrainSettings, store: RoundStore) -> Federation:
    """Meet the clients, and restore strategy and policy as they were after the newest round."""
    clients = call_roster(grid, settings.run.clients)
    sums, sums_bytes = gather_sums(grid, settings, clients)
    strategy = _strategy(settings)
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
        statistics=sums.statistics(),
        sums_bytes=sums_bytes,
        strategy=strategy,
        policy=policy,
        unseen=_unseen_rows(settings),
        optimizer=optimizer,
    )


def _strategy(settings: TrainSettings) -> RoundStrategy:
    arm = settings.arm
    if not isinstance(arm, FedAvgArm | FedProxArm):
        raise ConfigError(
            "not a federated arm",
            key=f"arms.{settings.run.arm}",
            value=settings.run.kind,
            remedy="name an arm of kind `federated`",
        )
    return STRATEGIES[arm.strategy](arm, len(settings.run.clients))


def _unseen_rows(settings: TrainSettings) -> dict[str, Rows]:
    return {
        source.name: load_held_out_rows(
            source, settings.policy.chunk_size, limit=settings.training.held_out_rows
        )
        for source in settings.evaluated
        if source.name not in settings.run.clients
    }


def _start_line(federation: Federation) -> MetricsLine:
    """Return the metrics of the start: what the base policy loses under the run's normalisation."""
    losses, evaluated = _evaluate(federation, 0)
    return metrics_line(
        0,
        {},
        losses,
        seconds=0.0,
        bytes_up=federation.sums_bytes + evaluated.bytes_up,
        bytes_down=evaluated.bytes_down,
    )


def _hold_round(federation: Federation, number: int, plan: RoundPlan) -> MetricsLine:
    """Train in every client, aggregate into the global policy, evaluate it; return the metrics."""
    start_s = time.monotonic()
    trained = exchange(
        federation.grid,
        federation.strategy.configure_train(
            number,
            pack_weights(federation.policy, federation.optimizer),
            _pack_plan(federation, plan),
            federation.grid,
        ),
        clients=federation.clients,
        during=f"round {number}",
        dtype=federation.settings.exchange_dtype,
    )
    weights, _ = federation.strategy.aggregate_train(number, trained.replies)
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
    held_out, evaluated = _evaluate(federation, number)
    steps = {
        client: losses_in(reply.content.metric_records[METRICS])
        for client, reply in zip(federation.clients.values(), trained.replies, strict=True)
    }
    line = metrics_line(
        number,
        steps,
        held_out,
        seconds=time.monotonic() - start_s,
        bytes_up=trained.bytes_up + evaluated.bytes_up,
        bytes_down=trained.bytes_down + evaluated.bytes_down,
    )
    return {**line, **plan_record(federation.settings, plan, number)}


def _pack_plan(federation: Federation, plan: RoundPlan) -> ConfigRecord:
    """Return what the clients need to know for a round of training."""
    record = pack_config(federation.settings, federation.statistics)
    factors = [plan.lr_factor * plan.client_lr_factors[c] for c in federation.settings.run.clients]
    if any(factor != 1.0 for factor in factors):
        record[LR_FACTORS] = factors
    if plan.mu is not None:
        record[PROXIMAL_MU] = plan.mu
    return record


def _evaluate(federation: Federation, number: int) -> tuple[dict[str, float], Exchange]:
    """Return the global policy's held-out loss: clients on their own rows, the server on unseen ones."""
    evaluated = exchange(
        federation.grid,
        federation.strategy.configure_evaluate(
            number,
            pack_weights(federation.policy),
            pack_config(federation.settings, federation.statistics),
            federation.grid,
        ),
        clients=federation.clients,
        during=f"the evaluation of round {number}",
        dtype=federation.settings.exchange_dtype,
    )
    by_client = {
        client: number_in(reply.content.metric_records[METRICS], HELD_OUT_LOSS)
        for client, reply in zip(federation.clients.values(), evaluated.replies, strict=True)
    }
    by_unseen = held_out_losses(federation.policy, federation.unseen, federation.statistics)
    return {**by_client, **by_unseen}, evaluated
