"""Ways of comparing two arms that are in use, beside fedarm's, for many studies at once.

Each gives 95 % intervals of `mean F - weight * mean C`: weight 1 is the difference, and the candidate is
called non-inferior within a margin when at weight 1 - margin the interval lies above zero.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fedarm.stats.interval import CONFIDENCE, normal_quantile
from fedarm.stats.paired_tests import mcnemar

from .batch import Arm, Batch

Outcomes = NDArray[np.bool_]
Numbers = NDArray[np.float64]
Ends = tuple[Numbers, Numbers]
Intervals = Callable[[Outcomes, Outcomes, Sequence[float], np.random.Generator], list[Ends]]

RESAMPLES = 1000
_CHUNK = 100
_TAIL = (1 - CONFIDENCE) / 2
_Z = normal_quantile(CONFIDENCE)


@dataclass(frozen=True)
class Method:
    """A way of comparing.

    Attributes:
        title: Its name for readers.
        intervals: Ends of the intervals `(study,)` for each weight.
        of_means: Whether they speak of mean success, as the truth does.
    """

    title: str
    intervals: Intervals
    of_means: bool = True


def crossed_t(
    candidate: Outcomes, reference: Outcomes, weights: Sequence[float], _: np.random.Generator
) -> list[Ends]:
    """Return fedarm's intervals."""
    batch = Batch(Arm.of(candidate), Arm.of(reference))
    estimates = [batch.candidate.mean - weight * batch.reference.mean for weight in weights]
    reaches = [batch.reach(weight) for weight in weights]
    return [(e - reach, e + reach) for e, reach in zip(estimates, reaches, strict=True)]


def pooled_pairs(
    candidate: Outcomes, reference: Outcomes, weights: Sequence[float], _: np.random.Generator
) -> list[Ends]:
    """Return Wald intervals over all episodes of all seeds, paired by seed and initial condition."""
    ends = []
    for weight in weights:
        pairs = (candidate - weight * reference).reshape(len(candidate), -1)
        reach = _Z * pairs.std(axis=1, ddof=1) / np.sqrt(pairs.shape[1])
        ends.append((pairs.mean(axis=1) - reach, pairs.mean(axis=1) + reach))
    return ends


def pooled_newcombe(
    candidate: Outcomes, reference: Outcomes, weights: Sequence[float], _: np.random.Generator
) -> list[Ends]:
    """Return Newcombe's intervals of two independent groups, all episodes of all seeds pooled.

    Source: method 10 of Newcombe 1998, Statistics in Medicine 17, 873-890; with a weight by the same
    construction, equation 5 of Zou and Donner 2008, Statistics in Medicine 27, 1693-1702.
    """
    one, two = (arm.reshape(len(arm), -1) for arm in (candidate, reference))
    p, low_p, high_p = _wilson(one)
    q, low_q, high_q = _wilson(two)
    return [
        (
            p - w * q - np.hypot(p - low_p, w * (high_q - q)),
            p - w * q + np.hypot(high_p - p, w * (q - low_q)),
        )
        for w in weights
    ]


def bootstrap_mean(
    candidate: Outcomes, reference: Outcomes, weights: Sequence[float], rng: np.random.Generator
) -> list[Ends]:
    """Return stratified bootstrap intervals of mean scores."""
    return _bootstrap(
        candidate, reference, weights, rng, aggregate=lambda scores: scores.mean(axis=2)
    )


def bootstrap_iqm(
    candidate: Outcomes, reference: Outcomes, weights: Sequence[float], rng: np.random.Generator
) -> list[Ends]:
    """Return stratified bootstrap intervals of interquartile means."""

    def aggregate(scores: Numbers) -> Numbers:
        cut = scores.shape[2] // 4
        return np.sort(scores, axis=2)[:, :, cut : scores.shape[2] - cut].mean(axis=2)

    return _bootstrap(candidate, reference, weights, rng, aggregate=aggregate)


METHODS: Mapping[str, Method] = {
    "crossed_t": Method("fedarm: crossed t", crossed_t),
    "pooled_pairs": Method("all episodes pooled, paired Wald", pooled_pairs),
    "pooled_newcombe": Method("all episodes pooled, Newcombe", pooled_newcombe),
    "bootstrap_mean": Method("rliable's bootstrap, mean", bootstrap_mean),
    "bootstrap_iqm": Method("rliable's bootstrap, IQM", bootstrap_iqm, of_means=False),
}


def mcnemar_different(candidate: Outcomes, reference: Outcomes) -> NDArray[np.bool_]:
    """Return where McNemar's mid-p test of the first seed's checkpoints rejects at 5 % `(study,)`."""
    first, second = candidate[:, 0], reference[:, 0]
    discordant = np.stack(
        [(first & ~second).sum(axis=(1, 2)), (~first & second).sum(axis=(1, 2))], axis=1
    )
    tables, of_study = np.unique(discordant, axis=0, return_inverse=True)
    rejected = [mcnemar(*table).mid_p_two_sided <= 1 - CONFIDENCE for table in tables.tolist()]
    return np.array(rejected)[of_study.ravel()]


def _wilson(outcomes: Outcomes) -> tuple[Numbers, Numbers, Numbers]:
    """Return the shares of successes with Wilson's limits `(study,)`."""
    trials = outcomes.shape[1]
    share = outcomes.mean(axis=1)
    centre = (share + _Z**2 / (2 * trials)) / (1 + _Z**2 / trials)
    reach = _Z * np.sqrt(share * (1 - share) / trials + _Z**2 / (4 * trials**2))
    reach /= 1 + _Z**2 / trials
    return share, centre - reach, centre + reach


def _bootstrap(
    candidate: Outcomes,
    reference: Outcomes,
    weights: Sequence[float],
    rng: np.random.Generator,
    *,
    aggregate: Callable[[Numbers], Numbers],
) -> list[Ends]:
    """Resample runs within each task, independently, and take percentiles.

    Args:
        candidate: Outcomes `(study, seed, task, episode)`.
        reference: The same of the reference.
        weights: Of the reference.
        rng: For the resamples.
        aggregate: From scores `(study, resample, run and task)` to `(study, resample)`.

    Source: Agarwal et al. 2021, "Deep Reinforcement Learning at the Edge of the Statistical Precipice",
    section 4.1.
    """
    ends: list[list[Numbers]] = [[] for _ in weights]
    for start in range(0, len(candidate), _CHUNK):
        replicates = []
        for arm in (candidate, reference):
            scores = arm[start : start + _CHUNK].mean(axis=3)
            _, runs, tasks = scores.shape
            drawn = rng.integers(runs, size=(RESAMPLES, runs, tasks))
            resampled = scores[:, drawn, np.arange(tasks)]
            replicates.append(aggregate(resampled.reshape(len(scores), RESAMPLES, -1)))
        for weight, parts in zip(weights, ends, strict=True):
            contrast = replicates[0] - weight * replicates[1]
            parts.append(np.quantile(contrast, (_TAIL, 1 - _TAIL), axis=1))
    joined = [np.concatenate(parts, axis=1) for parts in ends]
    return [(low, high) for low, high in joined]
