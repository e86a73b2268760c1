"""What is believed of an arm's success after its rollouts: Bayesian posteriors of a probability.

`beta_posterior` pools episodes. With several seeds it speaks of these checkpoints only: it takes every
episode for a fresh draw and knows no difference between seeds. `seed_posterior` speaks of training
anew: seeds are draws from a beta distribution whose spread is unknown and integrated out. Neither knows
that arms met the same initial conditions, so differences between posteriors are judged as if arms were
independent: too cautiously where hard conditions are hard for all.

Posteriors are for looking at; `fedarm.stats.crossed` decides.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import betainc, betaln, logsumexp

from fedarm.errors import ResultsError
from fedarm.stats.interval import CONFIDENCE, Interval, normal_quantile

Values = npt.NDArray[np.float64]

JEFFREYS = (0.5, 0.5)
UNIFORM = (1.0, 1.0)

_CELLS = 1000
_SPREADS = 40


@dataclass(frozen=True)
class Posterior:
    """A distribution of a success probability, in cells from 0 to 1.

    Attributes:
        edges: Ends of the cells `(cell + 1,)`, close together near 0 and 1.
        mass: Probability of each cell `(cell,)`.
    """

    edges: Values
    mass: Values

    @property
    def mean(self) -> float:
        """The expected success."""
        return float((self.mass * (self.edges[1:] + self.edges[:-1]) / 2).sum())

    @property
    def density(self) -> Values:
        """The density in each cell, for drawing `(cell,)`."""
        return np.asarray(self.mass / np.diff(self.edges), dtype=np.float64)

    def interval(self, *, credibility: float = CONFIDENCE) -> Interval:
        """Return the equal-tailed credible interval.

        Raises:
            ResultsError: The credibility is not between 0 and 1.
        """
        normal_quantile(credibility)
        cumulative = np.concatenate([[0.0], np.cumsum(self.mass)])
        tails = [(1 - credibility) / 2, (1 + credibility) / 2]
        low, high = np.interp(tails, cumulative, self.edges)
        return Interval(float(low), float(high))

    def probability_above(self, other: Posterior) -> float:
        """Return how probably this success is the higher one, the two being independent."""
        below = np.cumsum(other.mass) - other.mass / 2
        return float((self.mass * below).sum())


def beta_posterior(
    successes: int, trials: int, *, prior: tuple[float, float] = JEFFREYS
) -> Posterior:
    """Return the posterior of one success probability behind all trials.

    Jeffreys' prior, because its intervals cover about as often as they say and because it does not
    depend on whether one thinks in probabilities or in log odds; the uniform one draws everything
    further towards a half. Pooled over seeds it speaks of these checkpoints only.

    Args:
        successes: Episodes that succeeded.
        trials: Episodes.
        prior: The two parameters of the beta prior, `JEFFREYS` or `UNIFORM`.

    Source: Brown, Cai and DasGupta 2001, Statistical Science 16, 101-133, section 3.1.3:
    `Beta(successes + a, failures + b)`.

    Raises:
        ResultsError: There are no trials, not 0 <= successes <= trials, or the prior is not positive.
    """
    _check([successes], [trials])
    if not min(prior) > 0:
        raise ResultsError(
            "the parameters of a beta prior are positive",
            key="prior",
            value=prior,
            remedy="use JEFFREYS or UNIFORM",
        )
    edges = _edges()
    alpha, beta = successes + prior[0], trials - successes + prior[1]
    return Posterior(edges, np.diff(betainc(alpha, beta, edges)))


def seed_posterior(successes: Sequence[int], trials: Sequence[int]) -> Posterior:
    """Return the posterior of the success of training anew, from the successes of each seed.

    The probability of a seed is drawn from a beta distribution with the mean that is asked for and the
    variance `spread^2 mean (1 - mean)`; its successes are then beta-binomial. The mean has Jeffreys'
    prior; the spread, a share of the largest standard deviation that the mean allows, is uniform from 0
    to 1 and is integrated out. Few seeds say little of their spread, so the posterior is wide, and one
    seed leaves nearly all open. It takes a seed's episodes as independent.

    Args:
        successes: Episodes that succeeded `(seed,)`.
        trials: Episodes `(seed,)`.

    Source: Gelman 2006, Bayesian Analysis 1, 515-534, section 2.2, for a uniform prior of the spread;
    Gelman et al. 2013, Bayesian Data Analysis, section 5.3, for the beta-binomial model.

    Raises:
        ResultsError: The lists differ in length or are empty, or as for `beta_posterior`.
    """
    _check(successes, trials)
    edges = _edges()
    mean = np.sin(np.pi / 2 * (np.arange(_CELLS) + 0.5) / _CELLS)[:, np.newaxis] ** 2
    spread = (np.arange(_SPREADS) + 0.5) / _SPREADS
    concentration = 1 / spread**2 - 1  # (spread,)
    alpha, beta = mean * concentration, (1 - mean) * concentration  # (cell, spread)
    log_likelihood = -len(trials) * betaln(alpha, beta)
    for succeeded, tried in zip(successes, trials, strict=True):
        log_likelihood += betaln(alpha + succeeded, beta + tried - succeeded)
    log_mass = logsumexp(log_likelihood, axis=1)
    return Posterior(edges, np.exp(log_mass - logsumexp(log_mass)))


def credibly_differ(
    posteriors: Sequence[Posterior], *, credibility: float = CONFIDENCE
) -> npt.NDArray[np.bool_]:
    """Return which arms differ `(arm, arm)`: one is all but certainly the higher.

    That is, with a probability above (1 + credibility) / 2, without a correction for the number of
    pairs. It is what `fedarm.stats.letters.compact_letters` takes.

    Args:
        posteriors: A posterior an arm.
        credibility: Two-sided credibility.

    Raises:
        ResultsError: The credibility is not between 0 and 1.
    """
    normal_quantile(credibility)
    above = np.array([[one.probability_above(two) for two in posteriors] for one in posteriors])
    certain = (1 + credibility) / 2
    return np.asarray((above > certain) | (certain < above.T), dtype=np.bool_)


def _edges() -> Values:
    """Return ends of cells to each of which Jeffreys' prior gives the same probability."""
    return np.asarray(np.sin(np.linspace(0, np.pi / 2, _CELLS + 1)) ** 2, dtype=np.float64)


def _check(successes: Sequence[int], trials: Sequence[int]) -> None:
    if len(successes) != len(trials) or not len(trials):
        raise ResultsError(
            "every seed needs its successes and its trials",
            key="seeds",
            value=(len(successes), len(trials)),
            remedy="count the episodes of each seed",
        )
    for succeeded, tried in zip(successes, trials, strict=True):
        if not (0 < tried < np.inf and 0 <= succeeded <= tried):
            raise ResultsError(
                "successes must lie between 0 and the number of trials, which must be positive",
                key="successes/trials",
                value=(succeeded, tried),
                remedy="count them again",
            )
