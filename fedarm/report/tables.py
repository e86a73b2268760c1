"""`tables/*.csv`: the data behind every figure and table of the report."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, fields

import pandas as pd

from fedarm.report.accounts import (
    RoundWithout,
    budgets,
    client_exclusions,
    training_seconds,
    video_accounts,
)
from fedarm.report.arm_pairs import ArmPairs
from fedarm.report.experiment import ExperimentResults
from fedarm.report.looks import sequential_looks
from fedarm.report.losses import loss_and_success, loss_by_round, rank_by_loss
from fedarm.report.motion import smoothness_by_video, success_by_start, success_by_time
from fedarm.report.paired_counts import paired_counts
from fedarm.report.posteriors import beliefs, posterior_cells, posteriors
from fedarm.report.power import projected_power
from fedarm.report.profiles import performance_profiles
from fedarm.report.replay import replay_by_step, replay_error, replay_losses
from fedarm.report.success import (
    success_by_round,
    success_by_seed,
    success_by_task,
    success_pooled,
)
from fedarm.report.verdicts import Decision

_FLOAT_FORMAT = "%.10g"
_INTERVAL_COLUMNS = (
    "candidate",
    "reference",
    "metric",
    "dataset",
    "candidate_success",
    "reference_success",
    "ratio",
    "ratio_low",
    "ratio_high",
    "difference",
    "difference_low",
    "difference_high",
    "smallest_detectable",
    "level",
    "method",
)


def build_tables(
    results: ExperimentResults, decisions: tuple[Decision, ...], pairs: ArmPairs | None
) -> Mapping[str, pd.DataFrame]:
    """Return all tables that the experiment has, by name."""
    return {
        **({"arm_pairs": arm_pairs(pairs)} if pairs else {}),
        **(_success_tables(results, decisions) if results.settings.judged else {}),
        **(_replay_tables(results) if results.replays else {}),
        "loss_by_round": loss_by_round(results),
        "budgets": _budgets(results),
        "client_exclusions": pd.DataFrame(
            [asdict(left) for left in client_exclusions(results)],
            columns=[field.name for field in fields(RoundWithout)],
        ),
        "training_seconds": pd.DataFrame(
            list(training_seconds(results).items()), columns=["name", "seconds"]
        ),
    }


def _success_tables(
    results: ExperimentResults, decisions: tuple[Decision, ...]
) -> Mapping[str, pd.DataFrame]:
    believed = beliefs(results)
    return {
        "intervals": intervals(decisions),
        "projected_power": projected_power(results, decisions),
        "sequential_looks": sequential_looks(results, decisions),
        "posteriors": posteriors(believed),
        "posterior_cells": posterior_cells(believed),
        "performance_profiles": performance_profiles(results),
        "success_by_task": success_by_task(results),
        "success_pooled": success_pooled(results),
        "success_by_seed": success_by_seed(results),
        "success_by_round": success_by_round(results),
        "success_by_time": success_by_time(results),
        "success_by_start": success_by_start(results),
        "paired_counts": paired_counts(results),
        "loss_and_success": loss_and_success(results),
        "loss_ranks": pd.DataFrame([asdict(rank) for rank in rank_by_loss(results)]),
        "smoothness": smoothness_by_video(results),
        "video_analysis": pd.DataFrame([asdict(account) for account in video_accounts(results)]),
    }


def _replay_tables(results: ExperimentResults) -> Mapping[str, pd.DataFrame]:
    return {
        "replay_error": replay_error(results.replays),
        "replay_by_step": replay_by_step(results.replays),
        "replay_losses": replay_losses(results.replays),
    }


def to_csv(table: pd.DataFrame) -> str:
    """Return a table as CSV; floats have ten digits."""
    return table.to_csv(index=False, float_format=_FLOAT_FORMAT, lineterminator="\n")


def intervals(decisions: tuple[Decision, ...]) -> pd.DataFrame:
    """Return every interval of a candidate against the reference: over all tasks, then task by task."""
    rows = [
        (
            decision.candidate,
            decision.reference,
            decision.metric,
            dataset,
            *(comparison.candidate, comparison.reference, comparison.ratio),
            *(comparison.ratio_ci.low, comparison.ratio_ci.high),
            comparison.difference,
            *(comparison.difference_ci.low, comparison.difference_ci.high),
            comparison.smallest_detectable,
            comparison.level,
            comparison.method,
        )
        for decision in decisions
        for dataset, comparison in {"all": decision.comparison, **decision.by_task}.items()
    ]
    return pd.DataFrame(rows, columns=_INTERVAL_COLUMNS)


def arm_pairs(pairs: ArmPairs) -> pd.DataFrame:
    """Return every pair of arms, whose difference is that of the first less the second.

    Two arms that share a letter are not told apart over all pairs.
    """
    letters = pairs.compared.letters()
    return pd.DataFrame(
        [
            {
                "first": pair.first,
                "second": pair.second,
                "first_success": pair.comparison.candidate,
                "second_success": pair.comparison.reference,
                "difference": pair.comparison.difference,
                "difference_low": pair.comparison.difference_ci.low,
                "difference_high": pair.comparison.difference_ci.high,
                "p_two_sided": pair.comparison.difference_p_two_sided,
                "holm_p_two_sided": pair.holm_p_two_sided,
                "first_letters": letters[pair.first],
                "second_letters": letters[pair.second],
                "level": pair.comparison.level,
            }
            for pair in pairs.compared.pairs
        ]
    )


def _budgets(results: ExperimentResults) -> pd.DataFrame:
    rows = [asdict(budget) for budget in budgets(results)]
    for row in rows:
        shares = row["samples_per_client"]
        row["samples_per_client"] = ";".join(f"{name}={count}" for name, count in shares.items())
    return pd.DataFrame(rows)
