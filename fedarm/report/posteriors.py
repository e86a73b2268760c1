"""What is believed of each arm's success after its rollouts, and which arms the beliefs tell apart.

They are for looking at; the verdict rests on `verdicts`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from fedarm.report.experiment import ExperimentResults
from fedarm.report.success import success_by_seed
from fedarm.stats.comparison import Level
from fedarm.stats.letters import compact_letters
from fedarm.stats.posterior import Posterior, beta_posterior, credibly_differ, seed_posterior

_COUNTS = ["successes", "episodes"]
# A cell is half a point of success wide.
_CELLS = 200
# Below this share of the highest cell nothing can be seen, and nothing is drawn.
_VISIBLE = 1e-3


@dataclass(frozen=True)
class Belief:
    """The posterior of an arm's success on a group of tasks.

    Attributes:
        name: The runs' name.
        unseen: Whether it is of the unseen sets, or of the clients' tasks.
        level: Whether it speaks of training anew, or of these checkpoints only.
        seeds: Training seeds.
        successes: Successes of the final checkpoints over seeds and tasks.
        episodes: Their rollouts.
        posterior: The posterior.
        letters: Arms of the group that share a letter are not told apart; the best has an "a".
    """

    name: str
    unseen: bool
    level: Level
    seeds: int
    successes: int
    episodes: int
    posterior: Posterior
    letters: str


def beliefs(results: ExperimentResults) -> tuple[Belief, ...]:
    """Return the posterior of every arm, on the clients' tasks and then on the unseen sets.

    An arm with several seeds is believed of as trained anew, unless the comparison is of these
    checkpoints only; an arm with one seed can be believed of as its checkpoint only. Episodes of a
    seed's tasks are pooled.
    """
    counts = success_by_seed(results)
    found: list[Belief] = []
    for unseen in (False, True):
        rows = counts[counts["unseen"] == unseen]
        if not rows.empty:
            found += _group(results, rows, unseen=unseen)
    return tuple(found)


def posteriors(believed: Sequence[Belief]) -> pd.DataFrame:
    """Return posteriors in numbers, a row an arm and group of tasks.

    Columns: name, unseen, level, seeds, successes, episodes, mean, low, high (equal-tailed, 95 %),
    letters.
    """
    rows: list[dict[str, object]] = []
    for belief in believed:
        interval = belief.posterior.interval()
        rows.append(
            {
                **{key: value for key, value in vars(belief).items() if key != "posterior"},
                "mean": belief.posterior.mean,
                "low": interval.low,
                "high": interval.high,
            }
        )
    columns = ["name", "unseen", "level", "seeds", "successes", "episodes"]
    return pd.DataFrame(rows, columns=[*columns, "mean", "low", "high", "letters"])


def posterior_cells(believed: Sequence[Belief]) -> pd.DataFrame:
    """Return how probable each half point of success is, where it is not negligible.

    Columns: name, unseen, success (the middle of the half point), probability.
    """
    edges = np.linspace(0, 1, _CELLS + 1)
    tables: list[pd.DataFrame] = []
    for belief in believed:
        cumulative = np.concatenate([[0.0], np.cumsum(belief.posterior.mass)])
        probability = np.diff(np.interp(edges, belief.posterior.edges, cumulative))
        seen = probability > _VISIBLE * probability.max()
        tables.append(
            pd.DataFrame(
                {
                    "name": belief.name,
                    "unseen": belief.unseen,
                    "success": (edges[:-1] + edges[1:])[seen] / 2,
                    "probability": probability[seen],
                }
            )
        )
    return pd.concat(tables, ignore_index=True)


def _group(results: ExperimentResults, rows: pd.DataFrame, *, unseen: bool) -> list[Belief]:
    pooled = rows.groupby(["name", "seed"], sort=False, as_index=False)[_COUNTS].sum()
    found: list[Belief] = []
    for name in results.settings.names:
        of_arm = pooled[pooled["name"] == name]
        successes, episodes = (of_arm[column].to_list() for column in _COUNTS)
        several = results.settings.level == "seeds" and len(of_arm) > 1
        found.append(
            Belief(
                name=name,
                unseen=unseen,
                level="seeds" if several else "checkpoints",
                seeds=len(of_arm),
                successes=sum(successes),
                episodes=sum(episodes),
                posterior=seed_posterior(successes, episodes)
                if several
                else beta_posterior(sum(successes), sum(episodes)),
                letters="",
            )
        )
    return _with_letters(found)


def _with_letters(group: list[Belief]) -> list[Belief]:
    """Return the beliefs of a group with letters, given from the best arm on."""
    order = sorted(range(len(group)), key=lambda arm: -group[arm].posterior.mean)
    letters = compact_letters(credibly_differ([group[arm].posterior for arm in order]))
    given = dict(zip(order, letters, strict=True))
    return [Belief(**(vars(belief) | {"letters": given[arm]})) for arm, belief in enumerate(group)]
