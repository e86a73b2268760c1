"""Held-out loss beside success: how badly the one predicts the other."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from fedarm.report.experiment import ExperimentResults
from fedarm.report.success import success_by_checkpoint
from fedarm.stats.correlation import spearman


@dataclass(frozen=True)
class LossRank:
    """How well held-out loss ranks runs by their success on one dataset's task.

    Attributes:
        dataset: The dataset.
        runs: Final checkpoints with both numbers.
        spearman: Their rank correlation; -1 when a lower loss always means more success, None when it
            cannot be said.
        checkpoints: All checkpoints with both numbers, those of earlier rounds included.
        spearman_checkpoints: Their rank correlation.
    """

    dataset: str
    runs: int
    spearman: float | None
    checkpoints: int
    spearman_checkpoints: float | None


def loss_by_round(results: ExperimentResults) -> pd.DataFrame:
    """Return held-out losses: name, arm, kind, dataset, unseen, seed, round, loss."""
    settings = results.settings
    rows = [
        {
            "name": run.name,
            "arm": run.arm,
            "kind": run.kind,
            "dataset": dataset,
            "unseen": dataset in settings.unseen,
            "seed": run.seed,
            "round": line.round,
            "loss": line.held_out_loss[dataset],
        }
        for run in settings.runs
        for line in results.metrics[run].rounds
        for dataset in settings.datasets
        if dataset in line.held_out_loss
    ]
    columns = ["name", "arm", "kind", "dataset", "unseen", "seed", "round", "loss"]
    return pd.DataFrame(rows, columns=columns)


def loss_and_success(results: ExperimentResults) -> pd.DataFrame:
    """Return the held-out loss beside the success of each checkpoint and dataset that has both.

    Columns: those of `success_by_checkpoint`, and loss.
    """
    losses = loss_by_round(results)[["name", "seed", "dataset", "round", "loss"]]
    keys = ["name", "seed", "dataset", "round"]
    return success_by_checkpoint(results).merge(losses, on=keys, how="inner")


def rank_by_loss(results: ExperimentResults) -> tuple[LossRank, ...]:
    """Return how well loss ranks runs, dataset by dataset.

    Not over all datasets at once: tasks differ in loss and in success for reasons of their own.
    """
    if not results.settings.judged:
        return ()
    table = loss_and_success(results)
    return tuple(
        _rank(dataset, table[table["dataset"] == dataset]) for dataset in results.settings.datasets
    )


def _rank(dataset: str, checkpoints: pd.DataFrame) -> LossRank:
    final = checkpoints[checkpoints["final"]]
    return LossRank(
        dataset=dataset,
        runs=len(final),
        spearman=spearman(final["loss"].to_numpy(), final["success"].to_numpy()),
        checkpoints=len(checkpoints),
        spearman_checkpoints=spearman(
            checkpoints["loss"].to_numpy(), checkpoints["success"].to_numpy()
        ),
    )
