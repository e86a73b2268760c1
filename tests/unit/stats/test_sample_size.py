"""Numbers of pairs, against the power that enumerating all outcomes gives."""

import math
from itertools import product

import pytest
from scipy.special import gammaln

from fedarm.errors import ResultsError
from fedarm.stats.counts import PairedCounts
from fedarm.stats.difference import tango_z
from fedarm.stats.ratio import tang_nam_z
from fedarm.stats.sample_size import (
    expected_pairs,
    highest_correlation,
    pairs_for_difference,
    pairs_for_ratio,
)

EQUAL = expected_pairs(0.8, correlation=0.3)


def log_probability(outcome, shares):
    """Of a multinomial outcome."""
    total = gammaln(sum(outcome) + 1) - sum(gammaln(count + 1) for count in outcome)
    return total + sum(
        count * math.log(share) for count, share in zip(outcome, shares, strict=True)
    )


def power_of_tango(pairs, *, margin):
    """Enumerate discordant pairs; Tango's test does not see the others."""
    b, c = EQUAL.first_only, EQUAL.second_only
    power = 0.0
    for first, second in product(range(pairs + 1), repeat=2):
        same = pairs - first - second
        if same < 0 or tango_z(PairedCounts(same, first, second, 0), difference=-margin) <= 1.96:
            continue
        power += math.exp(log_probability((first, second, same), (b, c, 1 - b - c)))
    return power


def power_of_ratio_test(pairs, *, margin):
    shares = tuple(vars(EQUAL).values())
    power = 0.0
    for neither, first, second in product(range(pairs + 1), repeat=3):
        both = pairs - neither - first - second
        outcome = (both, first, second, neither)
        # What is left out has together a probability below 1e-4.
        if both < 0 or (logarithm := log_probability(outcome, shares)) < -18:
            continue
        if tang_nam_z(PairedCounts(*outcome), ratio=1 - margin) > 1.96:
            power += math.exp(logarithm)
    return power


def test_expected_pairs_have_the_shares_and_the_correlation():
    expected = expected_pairs(0.8, correlation=0.3, ratio=0.75)
    assert (expected.first, expected.second, expected.pairs) == pytest.approx((0.6, 0.8, 1.0))
    covariance = expected.both - 0.6 * 0.8
    assert covariance / math.sqrt(0.24 * 0.16) == pytest.approx(0.3)
    assert EQUAL.first_only == pytest.approx(0.16 * 0.7)


@pytest.mark.parametrize(("success", "ratio"), [(0.95, 0.85), (0.95, 1.0), (0.3, 1.4), (0.6, 0.8)])
def test_pairs_have_the_highest_correlation_that_their_shares_allow(success, ratio):
    most = highest_correlation(success, ratio=ratio)
    pairs = expected_pairs(success, correlation=most, ratio=ratio)
    # The rarer success never comes without the other.
    assert min(pairs.first_only, pairs.second_only) == pytest.approx(0, abs=1e-12)
    with pytest.raises(ResultsError, match="cannot be correlated"):
        expected_pairs(success, correlation=most + 1e-6, ratio=ratio)


def test_pairs_by_hand():
    """Tango's estimate of `second_only`, constrained to a difference of -0.2, is a quadratic's root."""
    # 2 q^2 - (0.224 + 0.4) q + 0.112 * 0.2 * 1.2 = 0
    q = (0.624 + math.sqrt(0.624**2 - 8 * 0.112 * 0.24)) / 4
    null = 2 * q - 0.2 * 1.2
    by_hand = ((1.959964 * math.sqrt(null) + 0.841621 * math.sqrt(0.224)) / 0.2) ** 2
    assert pairs_for_difference(EQUAL, margin=0.2) == math.ceil(by_hand) == 52


@pytest.mark.parametrize(("margin", "known", "planned"), [(0.2, 49, 52), (0.1, 183, 187)])
def test_pairs_for_a_difference(margin, known, planned):
    """Published for success 0.8 and correlation 0.3: `known`, which enumeration confirms."""
    assert power_of_tango(known, margin=margin) == pytest.approx(0.80, abs=0.002)
    assert pairs_for_difference(EQUAL, margin=margin) == planned
    assert 0.80 <= power_of_tango(planned, margin=margin) < 0.83


def test_pairs_for_a_ratio():
    """The closed form with one variance gives 57 and 249, of which the score test needs more."""
    z = (1.959964 + 0.841621) ** 2
    for ratio, simple in ((0.8, 57), (0.9, 249)):
        variance = 0.8 * (1 + ratio**2) - 2 * ratio * EQUAL.both - (0.8 - ratio * 0.8) ** 2
        assert round(z * variance / (0.8 - ratio * 0.8) ** 2) == simple
    assert pairs_for_ratio(EQUAL, margin=0.2) == 70
    assert pairs_for_ratio(EQUAL, margin=0.1) == 267


@pytest.mark.slow
def test_the_score_test_of_a_ratio_needs_the_larger_number():
    assert power_of_ratio_test(57, margin=0.2) < 0.75
    assert 0.80 <= power_of_ratio_test(70, margin=0.2) < 0.84


def test_more_is_needed_for_less():
    def needed(**changes):
        assumed = {"success": 0.8, "correlation": 0.3, "ratio": 1.0} | changes
        return pairs_for_ratio(
            expected_pairs(assumed.pop("success"), **assumed), margin=0.2, power=0.8
        )

    assert needed(correlation=0.0) > needed() > needed(correlation=0.8)
    assert needed(ratio=0.9) > needed() > needed(ratio=1.1)
    assert needed(success=0.5) > needed()
    assert pairs_for_ratio(EQUAL, margin=0.2, power=0.9) > needed()


@pytest.mark.parametrize(
    ("call", "key"),
    [
        (lambda: expected_pairs(0.8, correlation=0.3, ratio=1.25), "success"),
        (lambda: expected_pairs(0.9, correlation=-0.5), "correlation"),
        (
            lambda: pairs_for_ratio(expected_pairs(0.8, correlation=0, ratio=0.8), margin=0.2),
            "margin",
        ),
        (
            lambda: pairs_for_difference(
                expected_pairs(0.8, correlation=0, ratio=0.8), margin=0.15
            ),
            "margin",
        ),
    ],
)
def test_what_cannot_be_is_refused(call, key):
    with pytest.raises(ResultsError, match=key):
        call()
