"""Pairs of rollouts: a candidate and the reference from the same initial condition and training seed."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from fedarm.report.experiment import ExperimentResults

ALL = "all"
COUNTS = ("both", "candidate_only", "reference_only", "neither")
_PAIR = ["dataset", "seed", "initial_condition_seed"]


def paired_counts(results: ExperimentResults) -> pd.DataFrame:
    """Return how pairs of rollouts ended, a row a candidate, metric and dataset; `all` first.

    Seeds make their episodes alike, so these are counts to look at, and no test is made of them.
    Columns: candidate, reference, metric, dataset, both, candidate_only, reference_only, neither,
    unpaired (rollouts of either arm whose seed or initial condition the other has not).
    """
    settings = results.settings
    rows = [
        {"candidate": candidate, "reference": settings.reference_name, "metric": metric, **counts}
        for metric, datasets in settings.metrics.items()
        for candidate in settings.candidates
        for counts in _count(results.final, candidate, settings.reference_name, datasets=datasets)
    ]
    columns = ["candidate", "reference", "metric", "dataset", *COUNTS, "unpaired"]
    return pd.DataFrame(rows, columns=columns)


def _count(
    final: pd.DataFrame, candidate: str, reference: str, *, datasets: Sequence[str]
) -> list[dict[str, object]]:
    sides = [final[final["name"] == name] for name in (candidate, reference)]
    pairs = sides[0].merge(sides[1], on=_PAIR, suffixes=("_candidate", "_reference"))
    parts = {ALL: datasets, **{dataset: [dataset] for dataset in datasets}}
    found: list[dict[str, object]] = []
    for part, members in parts.items():
        of_part = pairs[pairs["dataset"].isin(members)]
        ours, theirs = of_part["success_candidate"], of_part["success_reference"]
        rollouts = sum(int(side["dataset"].isin(members).sum()) for side in sides)
        found.append(
            {
                "dataset": part,
                "both": int((ours & theirs).sum()),
                "candidate_only": int((ours & ~theirs).sum()),
                "reference_only": int((~ours & theirs).sum()),
                "neither": int((~ours & ~theirs).sum()),
                "unpaired": rollouts - 2 * len(of_part),
            }
        )
    return found
