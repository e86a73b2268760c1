"""The metrics file of a run, and the check that it kept its budget.

Schema, version 1:

    name, arm, kind, seed   which run it is; `name` is its folder
    samples                 samples seen; also `samples_per_client`
    excluded_samples        those of rounds from which a client was excluded, up to an early stop; with
                            `samples` they are `budget_samples`, unless the run stopped early
    stopped_after_round     only when it stopped early: the last round in which it was trained
    batch_size, optimizer_steps
    parameters              how many were trained
    statistics_source       what the normalisation comes from
    rounds                  the store's lines (`metrics_line`); none for the base; with what the rules of
                            `fedarm.training.adaptation` that are on have chosen: `lr`, `mu`,
                            `client_lr_factors`, `stopped_after`
    checkpoint              the last one's `round` and `sha256`

Only `seconds` in a round's line differ between two equal runs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from torch import nn

from fedarm.config_training import CheckpointBase, PretrainedBase
from fedarm.errors import ResultsError
from fedarm.experiment import BASE_ROUND
from fedarm.paths import write_json
from fedarm.policies.checkpoint import digest_checkpoint
from fedarm.settings import TrainSettings
from fedarm.training.loop import StepLosses, trainable_parameters
from fedarm.training.store import MetricsLine, RoundStore

SCHEMA_VERSION = 1


def metrics_line(
    round_number: int,
    clients: Mapping[str, StepLosses],
    held_out_loss: Mapping[str, float],
    *,
    seconds: float,
    bytes_up: int = 0,
    bytes_down: int = 0,
    exclusions: Sequence[Mapping[str, str]] = (),
) -> MetricsLine:
    """Return the metrics line of a round; round 0 is the start, before any training.

    Args:
        round_number: The round.
        clients: What each client's steps did; clients whose rows are pooled are one, `a+b`.
        held_out_loss: Held-out loss after the round, by dataset.
        seconds: How long the round took.
        bytes_up: Serialised arrays sent by all clients.
        bytes_down: Serialised arrays sent to all clients.
        exclusions: Clients that the round went on without: `client`, `stage` (train or evaluate),
            `reason` and `detail`; a line without any has no such key.
    """
    excluded = {"exclusions": [dict(left) for left in exclusions]} if exclusions else {}
    return {
        "round": round_number,
        "samples": sum(losses.samples for losses in clients.values()),
        "clients": {client: asdict(losses) for client, losses in clients.items()},
        "held_out_loss": dict(held_out_loss),
        "bytes_up": bytes_up,
        "bytes_down": bytes_down,
        "seconds": round(seconds, 3),
        **excluded,
    }


def write_metrics(settings: TrainSettings, store: RoundStore, *, policy: nn.Module) -> None:
    """Write the metrics file of a run whose last round is done.

    Args:
        settings: The run's settings.
        store: Its checkpoints and metrics lines.
        policy: The policy that was trained.

    Raises:
        ResultsError: The samples seen are not the budget, or the file cannot be written.
    """
    last_round = BASE_ROUND if settings.run.kind == "base" else settings.rounds
    parameters = sum(value.numel() for value in trainable_parameters(policy).values())
    metrics = build_metrics(settings, store.rows(), parameters=parameters)
    checkpoint = digest_checkpoint(store.pretrained_model(last_round))
    write_json(
        settings.metrics,
        {**metrics, "checkpoint": {"round": last_round, "sha256": checkpoint}},
    )


def build_metrics(
    settings: TrainSettings, lines: Sequence[MetricsLine], *, parameters: int
) -> dict[str, Any]:
    """Return the metrics of a run without its checkpoint, after checking its budget.

    Args:
        settings: The run's settings.
        lines: One metrics line a round.
        parameters: How many parameters were trained.

    Raises:
        ResultsError: The samples seen are not the budget.
    """
    budget = _budget(settings)
    stopped = lines[-1].get("stopped_after") if lines else None
    expected = budget if stopped is None else _samples_until(settings, stopped)
    per_client: dict[str, int] = {}
    for line in lines:
        for client, values in line["clients"].items():
            per_client[client] = per_client.get(client, 0) + values["samples"]
    samples = sum(line["samples"] for line in lines)
    excluded = _excluded_samples(settings, lines, until=stopped)
    if not samples + excluded == sum(per_client.values()) + excluded == expected:
        raise ResultsError(
            f"the run saw {samples} samples, its clients {sum(per_client.values())}; arms are only "
            f"comparable when both are the budget, {expected}",
            file=settings.metrics,
            key="samples",
            value=per_client,
            remedy="delete the run's checkpoints and train again; if it stays, report a defect",
        )
    return {
        "schema_version": SCHEMA_VERSION,
        "name": settings.run.name,
        "arm": settings.run.arm,
        "kind": settings.run.kind,
        "seed": settings.run.seed,
        "samples": samples,
        "budget_samples": budget,
        "excluded_samples": excluded,
        **({} if stopped is None else {"stopped_after_round": stopped}),
        "samples_per_client": per_client,
        "batch_size": settings.training.batch_size,
        "optimizer_steps": samples // settings.training.batch_size,
        "parameters": parameters,
        "statistics_source": _statistics_source(settings),
        # The base is made before any dataset to evaluate it on is known.
        "rounds": [] if settings.run.kind == "base" else list(lines),
    }


def _excluded_samples(
    settings: TrainSettings, lines: Sequence[MetricsLine], *, until: int | None
) -> int:
    """Return the samples of the rounds, up to one or all, from which a client was excluded."""
    left_out = sum(
        exclusion["stage"] == "train"
        for line in lines
        for exclusion in line.get("exclusions", ())
        if until is None or line["round"] <= until
    )
    return left_out * settings.local_steps * settings.training.batch_size if left_out else 0


def _budget(settings: TrainSettings) -> int:
    if settings.run.kind == "base" and not isinstance(settings.base, PretrainedBase):
        return 0
    return settings.samples


def _samples_until(settings: TrainSettings, round_number: int) -> int:
    return settings.steps_until(round_number) * settings.training.batch_size


def _statistics_source(settings: TrainSettings) -> dict[str, Any]:
    if settings.sources:
        return {"split": "train", "datasets": [source.name for source in settings.sources]}
    if isinstance(settings.base, CheckpointBase):
        origin = settings.base.path or f"{settings.base.repo_id}@{settings.base.revision}"
        return {"checkpoint": origin}
    return {"identity": True}
