"""How training reacts to its own losses between rounds: plateau, early stop, adaptive mu, lag.

Every rule is a function of the metrics lines of the rounds that are done, which the store keeps: a job
that was killed and goes on decides as it would have. Off unless the configuration asks for it. No rule
looks at a dataset that no client has.

A client that was excluded from a round counts with its last loss before: a mean over changing clients
would rise and fall with them, as their tasks are of different difficulty. A client without a loss in
the first line counts in no mean.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import fmean
from typing import Any

from fedarm.config_arms import FederatedModel, FedProxArm
from fedarm.config_training import EarlyStop, Plateau
from fedarm.settings import TrainSettings
from fedarm.training.schedules import round_lrs
from fedarm.training.store import MetricsLine

Losses = Mapping[str, float]

# Li et al. lower mu when the loss has fallen this often in a row.
_FALLS = 5


@dataclass(frozen=True)
class RoundPlan:
    """What the losses so far say of the next round.

    Attributes:
        lr_factor: What the learning rate is multiplied by in every client.
        client_lr_factors: By client, what its learning rate is multiplied by too.
        mu: Weight of the proximal term; None in an arm without one.
    """

    lr_factor: float
    client_lr_factors: Mapping[str, float]
    mu: float | None


def plan_round(settings: TrainSettings, lines: Sequence[MetricsLine]) -> RoundPlan:
    """Return what the next round trains with.

    Args:
        settings: The run's settings.
        lines: The metrics lines so far, that of the start first.
    """
    arm, plateau = settings.arm, settings.training.schedule.plateau
    clients = settings.run.clients
    limit = arm.lag_lr_limit if isinstance(arm, FederatedModel) else 1.0
    mu = arm.mu if isinstance(arm, FedProxArm) else None
    if mu is not None and isinstance(arm, FedProxArm) and arm.mu_step:
        mu = adapted_mu(_train_losses(lines), start=mu, step=arm.mu_step)
    return RoundPlan(
        lr_factor=1.0 if plateau is None else plateau_share(_held_out(lines, clients), plateau),
        client_lr_factors=lag_factors(lines, clients, limit=limit),
        mu=mu,
    )


def plan_record(settings: TrainSettings, plan: RoundPlan, round_number: int) -> dict[str, Any]:
    """Return what a round's metrics line says of its plan: its rates, and of the rules that are on."""
    arm = settings.arm
    first, last = round_lrs(settings, round_number)
    record: dict[str, Any] = {
        "lr": {"first": first * plan.lr_factor, "last": last * plan.lr_factor}
    }
    if isinstance(arm, FederatedModel) and arm.lag_lr_limit > 1.0:
        record["client_lr_factors"] = dict(plan.client_lr_factors)
    if isinstance(arm, FedProxArm) and arm.mu_step:
        record["mu"] = plan.mu
    return record


def stopped_after(settings: TrainSettings, lines: Sequence[MetricsLine]) -> int | None:
    """Return the round after which training stops early; None while it goes on.

    Args:
        settings: The run's settings.
        lines: The metrics lines so far, that of the start first.
    """
    rule = settings.training.early_stop
    if rule is None:
        return None
    losses = _held_out(lines, settings.run.clients)
    position = _first_stop(losses, rule)
    return None if position is None else int(lines[position]["round"])


def idle_line(last: MetricsLine, round_number: int, *, stopped: int) -> MetricsLine:
    """Return the metrics line of a round that early stopping has left out: nothing is seen or sent."""
    return {
        "round": round_number,
        "samples": 0,
        "clients": {},
        "held_out_loss": last["held_out_loss"],
        "bytes_up": 0,
        "bytes_down": 0,
        "seconds": 0.0,
        "stopped_after": stopped,
    }


def plateau_share(losses: Sequence[float], rule: Plateau) -> float:
    """Return the share of the learning rate that is left after some rounds.

    Each time the loss has not improved for `patience` rounds the rate is multiplied by `factor`, and the
    waiting begins anew.

    Args:
        losses: Held-out losses by round.
        rule: The settings.
    """
    best, waited, share = math.inf, 0, 1.0
    for loss in losses:
        if loss < best * (1.0 - rule.min_improvement):
            best, waited = loss, 0
            continue
        waited += 1
        if waited == rule.patience:
            share, waited = max(share * rule.factor, rule.min_lr_share), 0
    return share


def adapted_mu(losses: Sequence[float], *, start: float, step: float) -> float:
    """Return mu after some rounds: raised when the loss rises, lowered when it has fallen five times.

    Args:
        losses: The clients' mean training loss by round.
        start: Mu in the first round.
        step: By how much it changes; it never falls below 0.

    Source:
        Li et al. 2020, "Federated Optimization in Heterogeneous Networks", section 5.3.2.
    """
    mu, falls = start, 0
    for previous, loss in pairwise(losses):
        if loss > previous:
            mu, falls = mu + step, 0
        elif loss < previous:
            falls += 1
        else:
            falls = 0
        if falls == _FALLS:
            mu, falls = max(mu - step, 0.0), 0
    return mu


def lag_factors(
    lines: Sequence[MetricsLine], clients: Sequence[str], *, limit: float
) -> dict[str, float]:
    """Return by client what its learning rate is multiplied by, from 1 to `limit`.

    A client's progress is its held-out loss over that at the start: losses of different tasks are not
    comparable, their falls are. A client lags when its ratio is above the clients' mean, and its factor
    is how far above. A client that was excluded from the start's evaluation has no ratio, and factor 1.

    Args:
        lines: The metrics lines so far, that of the start first.
        clients: The clients, in client order.
        limit: The largest factor; 1 is off.
    """
    if limit == 1.0 or len(lines) < 2:
        return dict.fromkeys(clients, 1.0)
    known = _carried([_of_clients(line["held_out_loss"], clients) for line in lines])
    first, last = known[0], known[-1]
    ratios = {client: last[client] / loss for client, loss in first.items() if loss > 0}
    mean = fmean(ratios.values()) if ratios else 0.0
    if mean == 0.0:
        return dict.fromkeys(clients, 1.0)
    return {client: min(limit, max(1.0, ratios.get(client, 0.0) / mean)) for client in clients}


def _first_stop(losses: Sequence[float], rule: EarlyStop) -> int | None:
    """Return the position at which patience ended."""
    best, waited = math.inf, 0
    for position, loss in enumerate(losses):
        if loss < best * (1.0 - rule.min_improvement):
            best, waited = loss, 0
            continue
        waited += 1
        if waited == rule.patience:
            return position
    return None


def _held_out(lines: Sequence[MetricsLine], clients: Sequence[str]) -> list[float]:
    """Return the clients' mean held-out loss by line."""
    known = _carried([_of_clients(line["held_out_loss"], clients) for line in lines])
    return [fmean(losses.values()) for losses in known]


def _train_losses(lines: Sequence[MetricsLine]) -> list[float]:
    """Return the clients' mean training loss by round; the start, before any training, has none."""
    trained = [line["clients"] for line in lines if line["clients"]]
    known = _carried(
        [{client: each["policy_loss"] for client, each in clients.items()} for clients in trained]
    )
    return [fmean(losses.values()) for losses in known]


def _of_clients(losses: Losses, clients: Sequence[str]) -> Losses:
    return {client: losses[client] for client in clients if client in losses}


def _carried(by_line: Sequence[Losses]) -> list[Losses]:
    """Return the first line's clients' losses in each line, the last known where one is missing."""
    known: dict[str, float] = dict(by_line[0]) if by_line else {}
    carried: list[Losses] = []
    for losses in by_line:
        known = {client: losses.get(client, loss) for client, loss in known.items()}
        carried.append(known)
    return carried
