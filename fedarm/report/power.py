"""What more seeds and episodes would show, projected from what was seen."""

from __future__ import annotations

import math
from collections.abc import Iterator

import pandas as pd

from fedarm.report.experiment import ExperimentResults
from fedarm.report.outcomes import shared_outcomes
from fedarm.report.verdicts import Decision
from fedarm.stats.crossed_components import crossed_components
from fedarm.stats.interval import CONFIDENCE, normal_quantile
from fedarm.stats.power import Design, power_to_show, power_within
from fedarm.stats.variances import observed_variances

_FEWEST_SEEDS, _MOST_SEEDS = 2, 12
_EPISODE_FACTORS = (1, 4)
# Of checkpoints: from a quarter to sixteen times the episodes, four steps a doubling.
_STEPS = tuple(2 ** (step / 4) for step in range(-8, 17))
_COLUMNS = ("candidate", "reference", "metric", "margin", "level", "seeds", "episodes")


def projected_power(results: ExperimentResults, decisions: tuple[Decision, ...]) -> pd.DataFrame:
    """Return the chance to show non-inferiority within each margin, were the arms truly equal.

    Of the primary metric, a row a candidate, margin and design. Over seeds it is for as many episodes as
    there were, and for four times as many; of checkpoints only, over episodes. A reference that never
    succeeds has no rows. Columns: candidate, reference, metric, margin, level, seeds, episodes (a task
    and seed), power, here (whether it is this experiment's design).
    """
    rows: list[dict[str, object]] = []
    for decision in decisions:
        if not decision.primary or decision.comparison.reference <= 0:
            continue
        for margin in decision.by_margin:
            rows += [
                {
                    "candidate": decision.candidate,
                    "reference": decision.reference,
                    "metric": decision.metric,
                    "margin": margin,
                    "level": decision.comparison.level,
                    **vars(design),
                    "power": power,
                    "here": design == decision.comparison.design,
                }
                for design, power in _curve(results, decision, margin)
            ]
    return pd.DataFrame(rows, columns=[*_COLUMNS, "power", "here"])


def _curve(
    results: ExperimentResults, decision: Decision, margin: float
) -> Iterator[tuple[Design, float]]:
    if decision.comparison.level == "checkpoints":
        yield from _over_episodes(decision, margin)
        return
    names = (decision.candidate, decision.reference)
    datasets = results.settings.metrics[decision.metric]
    success = shared_outcomes(results.final, names, datasets=datasets).success
    variances = observed_variances(crossed_components(*(success[name] for name in names)))
    here = decision.comparison.design
    for factor in _EPISODE_FACTORS:
        for seeds in range(_FEWEST_SEEDS, max(_MOST_SEEDS, 2 * here.seeds) + 1):
            design = Design(seeds, factor * here.episodes)
            yield design, power_within(variances, design, margin=margin)


def _over_episodes(decision: Decision, margin: float) -> Iterator[tuple[Design, float]]:
    """Yield designs with these checkpoints and other episodes: the error falls as their root."""
    comparison = decision.comparison
    here = comparison.design
    # At a look of a sequential plan the interval is a wider one.
    confidence = decision.look.confidence if decision.look else CONFIDENCE
    se = comparison.difference_ci.half_width / normal_quantile(confidence)
    for episodes in sorted({max(round(here.episodes * step), 1) for step in _STEPS}):
        scaled = se * math.sqrt(here.episodes / episodes)
        power = power_to_show(margin * comparison.reference, se=scaled)
        yield Design(here.seeds, episodes), power
