"""`results.json`: the comparison for machines. Its schema is documented in `docs/results_schema.md`.

It holds no time, no date and no path: the same runs give the same bytes.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import pandas as pd

from fedarm.report.accounts import budgets, client_exclusions, unequal_budgets, video_accounts
from fedarm.report.arm_pairs import ArmPairs
from fedarm.report.experiment import ExperimentResults
from fedarm.report.losses import rank_by_loss
from fedarm.report.outcomes import Exclusion
from fedarm.report.replay import replay_entries
from fedarm.report.success import success_by_seed, success_by_task, success_pooled
from fedarm.report.verdicts import Decision
from fedarm.stats.interval import CONFIDENCE, Interval
from fedarm.stats.power import POWER

SCHEMA_VERSION = 1

# More would differ between builds of the numerical libraries.
_SIGNIFICANT_DIGITS = 10
_LATE = (
    "margins, seeds, tasks or initial conditions were declared when rollouts were there already: read "
    "the verdict as exploratory"
)


def build_results(
    results: ExperimentResults, decisions: tuple[Decision, ...], pairs: ArmPairs | None
) -> dict[str, Any]:
    """Return the content of `results.json`.

    Args:
        results: What all runs have left.
        decisions: Candidates against the reference.
        pairs: All arms in pairs.
    """
    settings = results.settings
    content = {
        "schema_version": SCHEMA_VERSION,
        "experiment": settings.experiment,
        "reference": settings.reference_name,
        "margins": list(settings.margins),
        "evaluation": settings.evaluation,
        "level": settings.level,
        "primary_metric": settings.primary_metric,
        "confidence": CONFIDENCE,
        "power": POWER,
        "clients": list(settings.clients),
        "unseen": list(settings.unseen),
        "declaration": _declaration(results),
        "arms": _arms(results),
        "decisions": [_decision(decision) for decision in decisions],
        "verdicts": [
            _verdict(decision, margin) for decision in decisions for margin in decision.by_margin
        ],
        "pairs": _pairs(pairs),
        "loss_and_success": [asdict(rank) for rank in rank_by_loss(results)],
        "budgets": [asdict(budget) for budget in budgets(results)],
        "client_exclusions": [asdict(left) for left in client_exclusions(results)],
        "replay": replay_entries(results.replays),
        "videos": [asdict(account) for account in video_accounts(results)],
        "warnings": warnings(results, decisions),
        "exclusions": [asdict(exclusion) for exclusion in left_out(decisions, pairs)],
    }
    return {key: _plain(value) for key, value in content.items()}


def warnings(results: ExperimentResults, decisions: tuple[Decision, ...]) -> list[dict[str, str]]:
    """Return what to beware of: `{about, code, text}`."""
    found = [
        {
            "about": f"{decision.candidate} against {decision.reference}, {decision.metric}",
            "code": caution.code,
            "text": caution.text,
        }
        for decision in decisions
        for caution in decision.comparison.cautions
    ]
    if results.declared and results.declared[-1].rollouts:
        found.append({"about": "the declaration", "code": "declared_late", "text": _LATE})
    found += [
        {
            "about": name,
            "code": "not_tried",
            "text": "a client's task that no arm was tried on: no verdict speaks of it",
        }
        for name in results.settings.untried
    ]
    found += [
        {
            "about": label,
            "code": "unequal_budget",
            "text": "it has seen another number of samples than the reference",
        }
        for label in unequal_budgets(results)
    ]
    found += [
        {
            "about": analysis_of.label,
            "code": "video",
            "text": f"{video.file}: {video.reason}",
        }
        for analysis_of, analysis in results.videos.items()
        for video in analysis.videos
        if video.reason is not None
    ]
    return found


def left_out(decisions: tuple[Decision, ...], pairs: ArmPairs | None) -> tuple[Exclusion, ...]:
    """Return the rollouts that a comparison does not use."""
    of_decisions = (exclusion for decision in decisions for exclusion in decision.exclusions)
    return (*of_decisions, *(pairs.exclusions if pairs else ()))


def _declaration(results: ExperimentResults) -> dict[str, Any] | None:
    if not results.declared:
        return None
    last = results.declared[-1]
    return {
        "sha256": last.sha256,
        "before_the_data": not last.rollouts,
        "declarations": len(results.declared),
    }


def _pairs(pairs: ArmPairs | None) -> dict[str, Any] | None:
    if pairs is None:
        return None
    return {
        "letters": pairs.compared.letters(),
        "pairs": [
            {
                "arms": [pair.first, pair.second],
                "difference": pair.comparison.difference,
                "difference_ci": _ends(pair.comparison.difference_ci),
                "p_two_sided": pair.comparison.difference_p_two_sided,
                "holm_p_two_sided": pair.holm_p_two_sided,
                "level": pair.comparison.level,
                "method": pair.comparison.method,
            }
            for pair in pairs.compared.pairs
        ],
    }


def _arms(results: ExperimentResults) -> dict[str, Any]:
    tasks, by_seed = success_by_task(results), success_by_seed(results)
    pooled = success_pooled(results)
    return {
        name: _arm(
            results,
            name,
            tasks=tasks[tasks["name"] == name],
            by_seed=by_seed[by_seed["name"] == name],
            pooled=pooled[pooled["name"] == name],
        )
        for name in results.settings.names
    }


def _arm(
    results: ExperimentResults,
    name: str,
    *,
    tasks: pd.DataFrame,
    by_seed: pd.DataFrame,
    pooled: pd.DataFrame,
) -> dict[str, Any]:
    runs = results.settings.runs_of(name)
    groups = {row["unseen"]: row for _, row in pooled.iterrows()}
    return {
        "arm": runs[0].arm,
        "kind": runs[0].kind,
        "seeds": [run.seed for run in runs],
        "round": results.metrics[runs[0]].checkpoint.round,
        "checkpoints": {str(run.seed): results.metrics[run].checkpoint.sha256 for run in runs},
        "tasks": {
            str(dataset): _task(results, name, row, by_seed)
            for dataset, row in tasks.set_index("dataset").iterrows()
        },
        "clients": _counts(groups[False]) if False in groups else None,
        "unseen": _counts(groups[True]) if True in groups else None,
    }


def _task(
    results: ExperimentResults, name: str, row: pd.Series[Any], by_seed: pd.DataFrame
) -> dict[str, Any]:
    dataset = str(row.name)
    cell = by_seed[by_seed["dataset"] == dataset]
    losses = [
        results.metrics[run].final_loss.get(dataset) for run in results.settings.runs_of(name)
    ]
    known = [loss for loss in losses if loss is not None]
    return {
        **_counts(row),
        "task": row["task"],
        "variant": row["variant"],
        "unseen": row["unseen"],
        "by_seed": {
            str(seed): {"successes": successes, "episodes": episodes}
            for seed, successes, episodes in zip(
                cell["seed"], cell["successes"], cell["episodes"], strict=True
            )
        },
        "held_out_loss": sum(known) / len(known) if known else None,
    }


def _counts(row: pd.Series[Any]) -> dict[str, Any]:
    return {
        "successes": row["successes"],
        "episodes": row["episodes"],
        "success": row["success"],
        "wilson_ci": [row["low"], row["high"]],
    }


def _decision(decision: Decision) -> dict[str, Any]:
    return {
        "candidate": decision.candidate,
        "reference": decision.reference,
        "metric": decision.metric,
        "primary": decision.primary,
        "verdict": decision.verdict,
        "sequence": [asdict(step) for step in decision.sequence],
        "look": asdict(decision.look) if decision.look else None,
        "worst_task": decision.worst_task,
        "by_task": {
            dataset: {
                "difference": comparison.difference,
                "difference_ci": _ends(comparison.difference_ci),
                "ratio": comparison.ratio,
                "ratio_ci": _ends(comparison.ratio_ci),
                "method": comparison.method,
            }
            for dataset, comparison in decision.by_task.items()
        },
    }


def _verdict(decision: Decision, margin: float) -> dict[str, Any]:
    comparison = decision.comparison
    return {
        "candidate": decision.candidate,
        "reference": decision.reference,
        "metric": decision.metric,
        "primary": decision.primary,
        "margin": margin,
        "verdict": decision.by_margin[margin],
        "candidate_success": comparison.candidate,
        "reference_success": comparison.reference,
        "ratio": comparison.ratio,
        "ratio_ci": _ends(comparison.ratio_ci),
        "difference": comparison.difference,
        "difference_ci": _ends(comparison.difference_ci),
        "level": comparison.level,
        "method": comparison.method,
        "seeds": comparison.design.seeds,
        "tasks": comparison.tasks,
        "episodes_per_cell": comparison.design.episodes,
        "smallest_detectable": comparison.smallest_detectable,
        "smallest_detectable_ratio": comparison.smallest_detectable_ratio,
        "required_designs": [asdict(design) for design in decision.designs[margin]],
    }


def _ends(interval: Interval) -> list[float]:
    return [interval.low, interval.high]


def _plain(value: Any) -> Any:
    """Return plain Python values, floats to ten digits; what is not finite becomes None."""
    if isinstance(value, Mapping):
        return {key: _plain(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(entry) for entry in value]
    if hasattr(value, "item"):
        return _plain(value.item())
    if isinstance(value, float):
        return float(f"{value:.{_SIGNIFICANT_DIGITS}g}") if math.isfinite(value) else None
    return value
