"""How many pairs of episodes a comparison of two checkpoints takes.

A pair is an initial condition that both meet. With more than one training seed the question is another
one, and seeds are what it takes: `fedarm.stats.power`.

The score tests of `difference` and `ratio` take the variance that holds at the margin itself, V0; the
estimate varies as it does at the truth, V1. So, for a distance d between truth and margin,

    n = ((z_alpha sqrt(V0) + z_power sqrt(V1)) / d)^2

which for 20 to 300 pairs is 2 to 6 % above what enumerating all outcomes gives. V1 in place of V0 is
simpler, and 6 % (difference, 10 points) to 21 % (ratio, 0.8) too few.
"""

from __future__ import annotations

import math

from scipy.special import ndtri

from fedarm.errors import ResultsError
from fedarm.stats.counts import PairedCounts
from fedarm.stats.difference import tango_variance
from fedarm.stats.interval import CONFIDENCE, normal_quantile
from fedarm.stats.power import POWER
from fedarm.stats.ratio import tang_nam_variance

# A share that is nought may come out as this little less.
_ROUNDING = 1e-12


def expected_pairs(success: float, *, correlation: float, ratio: float = 1.0) -> PairedCounts:
    """Return the shares of pairs in which both, one or neither of two checkpoints succeed.

    Args:
        success: The second's, the reference's, share of successes.
        correlation: Of the two outcomes of a pair.
        ratio: The first's share over the second's.

    Raises:
        ResultsError: A share is not between 0 and 1, or the correlation is one that they cannot have.
    """
    first = ratio * success
    if not (0 < success < 1 and 0 < first < 1):
        raise ResultsError(
            "shares of successes lie between 0 and 1",
            key="success",
            value=(first, success),
            remedy="write 80 % as 0.8",
        )
    both = first * success + correlation * math.sqrt(first * (1 - first) * success * (1 - success))
    shares = (both, first - both, success - both, 1 - first - success + both)
    if min(shares) < -_ROUNDING:
        raise ResultsError(
            "two outcomes with these shares cannot be correlated so",
            key="correlation",
            value=correlation,
            remedy="choose one nearer to 0",
        )
    return PairedCounts(*(max(share, 0.0) for share in shares))


def highest_correlation(success: float, *, ratio: float = 1.0) -> float:
    """Return the highest correlation that the two outcomes of a pair can have: none where they need not.

    Args:
        success: The second's share of successes, between 0 and 1.
        ratio: The first's share over the second's.
    """
    shares = ratio * success, success
    spread = math.prod(math.sqrt(share * (1 - share)) for share in shares)
    return (min(shares) - math.prod(shares)) / spread


def pairs_for_difference(expected: PairedCounts, *, margin: float, power: float = POWER) -> int:
    """Return the pairs after which Tango's test shows non-inferiority within a margin, in points.

    Args:
        expected: The true shares of pairs.
        margin: The difference in success that may be lost.
        power: The chance to show it.

    Source: Tango 1998, Statistics in Medicine 17, 891-908, equation 5 for V0; Nam 1997, Biometrics 53,
    1422-1430, for the number of pairs.

    Raises:
        ResultsError: The true difference is not within the margin.
    """
    distance = expected.difference + margin
    null = tango_variance(expected, -margin) / expected.pairs
    discordant = (expected.first_only + expected.second_only) / expected.pairs
    true = discordant - expected.difference**2
    return _pairs(distance, null=null, true=true, power=power)


def pairs_for_ratio(expected: PairedCounts, *, margin: float, power: float = POWER) -> int:
    """Return the pairs after which the ratio's score test shows non-inferiority within a margin.

    Args:
        expected: The true shares of pairs.
        margin: The share of the second's success that may be lost.
        power: The chance to show it.

    Source: Nam and Blackwelder 2002, Statistics in Medicine 21, 689-699, section 4.

    Raises:
        ResultsError: The true ratio is not within the margin.
    """
    ratio = 1 - margin
    first, second = expected.first, expected.second
    both = expected.both / expected.pairs
    distance = first - ratio * second
    null = tang_nam_variance(expected, ratio) / expected.pairs
    true = first + ratio**2 * second - 2 * ratio * both - distance**2
    return _pairs(distance, null=null, true=true, power=power)


def _pairs(distance: float, *, null: float, true: float, power: float) -> int:
    if distance <= 0:
        raise ResultsError(
            "what is not so cannot be shown: the truth does not lie within the margin",
            key="margin",
            remedy="take a wider margin, or a higher true ratio",
        )
    reach = normal_quantile(CONFIDENCE) * math.sqrt(null) + float(ndtri(power)) * math.sqrt(true)
    return max(math.ceil((reach / distance) ** 2), 1)
