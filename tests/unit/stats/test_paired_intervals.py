"""Difference and ratio of paired proportions: invariants, closed forms, and the definition itself."""

import math

import numpy as np
import pytest
from scipy.optimize import minimize_scalar
from scipy.stats import norm

from fedarm.errors import ResultsError
from fedarm.stats.counts import PairedCounts, count_pairs
from fedarm.stats.difference import (
    newcombe_paired,
    tango,
    tango_p_greater_one_sided,
    tango_p_two_sided,
    tango_z,
    wald_paired,
)
from fedarm.stats.paired_tests import mcnemar
from fedarm.stats.ratio import tang_nam, tang_nam_p_greater_one_sided, tang_nam_z

Z = norm.ppf(0.975)
TABLES = [
    PairedCounts(59, 6, 16, 80),
    PairedCounts(10, 3, 1, 6),
    PairedCounts(0, 4, 5, 11),
    PairedCounts(15, 5, 0, 0),
    PairedCounts(7, 0, 2, 11),
]


def log(weight, share):
    return weight * math.log(max(share, 1e-300)) if weight else 0.0


@pytest.mark.parametrize("counts", TABLES)
@pytest.mark.parametrize("difference", [-0.3, -0.1, 0.0, 0.15])
def test_tango_uses_the_constrained_maximum_likelihood(counts, difference):
    """The variance of the score test, found by brute force over the one free probability."""

    def loss(second_only):
        first_only = second_only + difference
        rest = 1 - first_only - second_only
        concordant = counts.both + counts.neither
        return -(
            log(counts.first_only, first_only)
            + log(counts.second_only, second_only)
            + log(concordant, rest)
        )

    bounds = (max(0.0, -difference), (1 - difference) / 2)
    best = minimize_scalar(loss, bounds=bounds, method="bounded", options={"xatol": 1e-12}).x
    variance = counts.pairs * (2 * best + difference - difference**2)
    expected = (counts.first_only - counts.second_only - counts.pairs * difference) / math.sqrt(
        variance
    )
    assert tango_z(counts, difference=difference) == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("counts", TABLES)
@pytest.mark.parametrize("ratio", [0.6, 0.9, 1.0, 1.4])
def test_tang_nam_uses_the_constrained_maximum_likelihood(counts, ratio):
    success = (counts.both + counts.first_only + counts.second_only) / counts.pairs

    def shares(second):
        return (1 + ratio) * second - success, success - second, success - ratio * second

    def loss(second):
        weights = (counts.both, counts.first_only, counts.second_only)
        return -sum(log(w, share) for w, share in zip(weights, shares(second), strict=True))

    bounds = (success / (1 + ratio), min(success, success / ratio))
    best = minimize_scalar(loss, bounds=bounds, method="bounded", options={"xatol": 1e-12}).x
    _, first_only, second_only = shares(best)
    variance = counts.pairs * ratio * (first_only + second_only)
    first, second = counts.first * counts.pairs, counts.second * counts.pairs
    expected = (first - ratio * second) / math.sqrt(variance)
    assert tang_nam_z(counts, ratio=ratio) == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("counts", TABLES)
def test_score_is_critical_at_the_ends(counts):
    difference, ratio = tango(counts), tang_nam(counts)
    assert tango_z(counts, difference=difference.low) == pytest.approx(Z, abs=1e-6)
    assert tango_z(counts, difference=difference.high) == pytest.approx(-Z, abs=1e-6)
    if ratio.low > 0:
        assert tang_nam_z(counts, ratio=ratio.low) == pytest.approx(Z, abs=1e-6)
    assert tang_nam_z(counts, ratio=ratio.high) == pytest.approx(-Z, abs=1e-6)


@pytest.mark.parametrize("counts", [*TABLES, PairedCounts(20, 0, 0, 0), PairedCounts(0, 3, 0, 5)])
def test_exchanging_the_arms_mirrors_the_intervals(counts):
    swapped = counts.swapped()
    for interval in (tango, newcombe_paired, wald_paired):
        one, two = interval(counts), interval(swapped)
        assert (one.low, one.high) == pytest.approx((-two.high, -two.low), abs=1e-12)
    one, two = tang_nam(counts), tang_nam(swapped)
    assert one.low == pytest.approx(1 / two.high, rel=1e-9)
    assert two.low == pytest.approx(1 / one.high, rel=1e-9)


@pytest.mark.parametrize("pairs", [1, 20, 240])
def test_without_discordance_the_closed_forms_hold(pairs):
    width = Z**2 / (pairs + Z**2)
    for counts in (PairedCounts(pairs, 0, 0, 0), PairedCounts(0, 0, 0, pairs)):
        found = tango(counts)
        assert (found.low, found.high) == pytest.approx((-width, width), abs=1e-9)
    ratio = tang_nam(PairedCounts(pairs, 0, 0, 5))
    assert ratio.high == pytest.approx(1 + Z**2 / pairs, rel=1e-7)
    assert ratio.low == pytest.approx(1 / (1 + Z**2 / pairs), rel=1e-7)


@pytest.mark.parametrize(
    ("interval", "low", "high"),
    [
        (tango, -0.517, -0.026),
        (newcombe_paired, -0.507, -0.026),
        (wald_paired, -0.520, -0.052),
        (tang_nam, 0.065, 0.907),
    ],
)
def test_airway_example_of_fagerland(interval, low, high):
    """Fagerland, Lydersen and Laake 2014, Statistics in Medicine 33, 2850-2875: 21 children."""
    found = interval(PairedCounts(1, 1, 7, 12))
    assert (found.low, found.high) == pytest.approx((low, high), abs=6e-4)


def test_one_pair_says_next_to_nothing():
    for counts in (PairedCounts(1, 0, 0, 0), PairedCounts(0, 0, 0, 1)):
        reach = Z**2 / (1 + Z**2)
        assert (tango(counts).low, tango(counts).high) == pytest.approx((-reach, reach), abs=1e-9)
    discordant = PairedCounts(0, 1, 0, 0)
    assert tango(discordant).low == pytest.approx(1 - 2 * reach, abs=1e-9)
    assert tang_nam(discordant).low == pytest.approx(1 / Z**2, rel=1e-7)
    assert tang_nam(discordant).high == math.inf


@pytest.mark.parametrize("counts", TABLES)
def test_one_sided_p_values_agree_with_the_ends(counts):
    low = tango(counts).low
    assert tango_p_greater_one_sided(counts, difference=low) == pytest.approx(0.025, abs=1e-6)
    assert tango_p_greater_one_sided(counts, difference=low - 0.01) < 0.025
    ratio = tang_nam(counts).low
    if ratio > 0:
        assert tang_nam_p_greater_one_sided(counts, ratio=ratio) == pytest.approx(0.025, abs=1e-6)
        assert tang_nam_p_greater_one_sided(counts, ratio=0.9 * ratio) < 0.025
    # No difference is the ratio 1, by either test.
    assert tang_nam_p_greater_one_sided(counts, ratio=1.0) == pytest.approx(
        tango_p_greater_one_sided(counts, difference=0.0), abs=1e-12
    )


def test_two_sided_p_value_of_no_difference_is_mcnemars():
    assert tango_p_two_sided(PairedCounts(59, 6, 16, 80)) == pytest.approx(0.033006, abs=1e-6)
    assert tango_p_two_sided(PairedCounts(1, 1, 7, 12)) == pytest.approx(
        mcnemar(1, 7).asymptotic_p_two_sided, abs=1e-12
    )
    assert tango_p_two_sided(PairedCounts(9, 0, 0, 3)) == 1.0


def test_one_sided_tables_reach_the_ends_of_the_scale():
    every = PairedCounts(0, 20, 0, 0)
    assert tango(every).high == 1.0
    assert tango(every).low == pytest.approx(1 - 2 * Z**2 / (20 + Z**2), abs=1e-9)
    assert tang_nam(every).high == math.inf
    assert tang_nam(every.swapped()).low == 0.0
    nothing = tang_nam(PairedCounts(0, 0, 0, 20))
    assert (nothing.low, nothing.high) == (0.0, math.inf)
    assert math.isnan(PairedCounts(0, 0, 0, 20).ratio)
    assert PairedCounts(0, 1, 0, 20).ratio == math.inf


def test_wald_is_narrower_than_tango_where_it_misleads():
    counts = PairedCounts(16, 1, 1, 2)
    assert wald_paired(counts).half_width < 0.85 * tango(counts).half_width
    assert wald_paired(PairedCounts(20, 0, 0, 0)).half_width == 0


def test_method_10_corrects_the_correlation():
    """Method 8, without the correction, gives -0.1174 and -0.0059 on Fagerland's table."""
    assert newcombe_paired(PairedCounts(59, 6, 16, 80)).low == pytest.approx(-0.1186, abs=5e-5)
    assert newcombe_paired(PairedCounts(59, 6, 16, 80)).high == pytest.approx(-0.0046, abs=5e-5)


def test_tango_keeps_its_error_rate_where_wald_does_not():
    """20 pairs, success 0.8, the true difference at the margin of 0.2: how often is it claimed away?"""
    rng = np.random.default_rng(5)
    shares = np.array([0.55, 0.05, 0.25, 0.15])
    false = {tango: 0, wald_paired: 0}
    for table in rng.multinomial(20, shares, size=3000):
        counts = PairedCounts(*map(float, table))
        for interval in false:
            false[interval] += interval(counts).low > -0.2
    assert false[tango] / 3000 < 0.035
    assert false[wald_paired] > 1.3 * false[tango]


def test_pairs_are_counted():
    first = np.array([1.0, 1.0, 0.0, 0.0, 1.0])
    second = np.array([1.0, 0.0, 1.0, 0.0, 1.0])
    assert count_pairs(first, second) == PairedCounts(2, 1, 1, 1)
    shared = count_pairs(np.array([0.5]), np.array([1.0]))
    assert shared == PairedCounts(0.5, 0, 0.5, 0)


def test_impossible_input_is_refused():
    with pytest.raises(ResultsError, match="no pairs"):
        PairedCounts(0, 0, 0, 0)
    with pytest.raises(ResultsError, match="second_only"):
        PairedCounts(1, 0, -1, 0)
    with pytest.raises(ResultsError, match="same shape"):
        count_pairs(np.zeros(3), np.zeros(4))
    with pytest.raises(ResultsError, match="within 0 and 1"):
        count_pairs(np.array([np.nan]), np.zeros(1))
    with pytest.raises(ResultsError, match="between -1 and 1"):
        tango_z(TABLES[0], difference=-10.0)
    with pytest.raises(ResultsError, match="positive number"):
        tang_nam_z(TABLES[0], ratio=0.0)
