"""Performance profiles: which share of an arm's runs succeeds more often than any given share."""

from __future__ import annotations

import numpy as np
import pandas as pd

from fedarm.report.experiment import ExperimentResults
from fedarm.report.success import success_by_seed
from fedarm.stats.profiles import performance_band

_SEED = 0
_RESAMPLES = 500


def performance_profiles(results: ExperimentResults) -> pd.DataFrame:
    """Return the profiles of the reference, the candidates and the base.

    A run is a training seed on one task, its score the success there. The band is the stratified
    bootstrap's, drawn from the same dice for every arm; with one seed it has no width. Thresholds are
    the scores of the group, at which alone a profile steps. Columns: name, kind, unseen, threshold,
    share (of runs with a higher score), low, high.
    """
    settings = results.settings
    shown = [name for name in settings.names if settings.kind_of(name) != "local"]
    scores = success_by_seed(results)
    tables: list[pd.DataFrame] = []
    for unseen, group in scores[scores["name"].isin(shown)].groupby("unseen", sort=False):
        thresholds = np.unique([0.0, *group["success"], 1.0])
        for name in shown:
            runs = group[group["name"] == name].pivot_table(
                index="seed", columns="dataset", values="success"
            )
            band = performance_band(
                runs.to_numpy(), thresholds, rng=np.random.default_rng(_SEED), resamples=_RESAMPLES
            )
            tables.append(
                pd.DataFrame(
                    {
                        "name": name,
                        "kind": settings.kind_of(name),
                        "unseen": unseen,
                        "threshold": thresholds,
                        "share": band.share,
                        "low": band.low,
                        "high": band.high,
                    }
                )
            )
    return pd.concat(tables, ignore_index=True)
