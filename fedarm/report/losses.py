"""Held-out loss beside success: how badly the one predicts the other."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from fedarm.report.experiment import ExperimentResults
from fedarm.report.success import success_by_seed
from fedarm.stats.correlation import spearman


@dataclass(frozen=True)
class LossRank:
    """How well held-out loss ranks runs by their success on one dataset's task.

    Attributes:
        dataset: The dataset.
        runs: Runs with both numbers.
        spearman: Rank correlation; -1 when a lower loss always means more success, None when it cannot
            be said.
    """

    dataset: str
    runs: int
    spearman: float | None


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
    """Return the final held-out loss beside the success of each run and dataset that has both.

    Columns: those of `success_by_seed`, and loss.
    """
    rows = [
        {"name": run.name, "seed": run.seed, "dataset": dataset, "loss": loss}
        for run in results.settings.runs
        for dataset, loss in results.metrics[run].final_loss.items()
    ]
    losses = pd.DataFrame(rows, columns=["name", "seed", "dataset", "loss"])
    return success_by_seed(results).merge(losses, on=["name", "seed", "dataset"], how="inner")


def rank_by_loss(results: ExperimentResults) -> tuple[LossRank, ...]:
    """Return how well loss ranks runs, dataset by dataset.

    Not over all datasets at once: tasks differ in loss and in success for reasons of their own.
    """
    table = loss_and_success(results)
    ranks: list[LossRank] = []
    for dataset in results.settings.datasets if results.settings.judged else ():
        rows = table[table["dataset"] == dataset]
        rho = spearman(rows["loss"].to_numpy(), rows["success"].to_numpy())
        ranks.append(LossRank(dataset, len(rows), rho))
    return tuple(ranks)
