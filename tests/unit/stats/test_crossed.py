import math

import numpy as np
import pytest
from scipy.stats import t as student

from fedarm.errors import ResultsError
from fedarm.stats.crossed import crossed_t_difference, crossed_t_ratio, crossed_t_test
from fedarm.stats.crossed_components import crossed_components

from .simulation import simulate

# Two seeds, one task, two initial conditions: small enough for pen and paper.
CANDIDATE = np.array([[[1.0, 0.0]], [[1.0, 1.0]]])
REFERENCE = np.array([[[1.0, 1.0]], [[0.0, 1.0]]])


def test_by_hand():
    """Seed means 0.5, 1 and 1, 0.5: s2 = 1/8 each; the rest follows.

    Residual mean square: 0.25 in each arm. Means over seeds: (1, 0.5) and (0.5, 1), their difference
    (0.5, -0.5), its variance 0.5, v2 = 0.25, ve = 2 * 0.25 / 4 = 0.125. Variance = 1/16 + 1/16 + 1/8.
    """
    found = crossed_t_difference(CANDIDATE, REFERENCE)
    assert found.estimate == 0.0
    assert found.se == pytest.approx(0.5)
    # Satterthwaite gives 0.25^2 / (2 / 16^2 + 0.25^2) = 0.89, which is raised to S - 1.
    assert found.df == 1.0
    assert found.interval.high == pytest.approx(student.ppf(0.975, 1) * 0.5)


def test_degrees_of_freedom_never_fall_below_seeds_less_one():
    rng = np.random.default_rng(0)
    for _ in range(200):
        arms = simulate(rng, seeds=3, tasks=2, episodes=4, success=0.6)
        assert crossed_t_difference(*arms).df >= 2


def test_ratio_ends_are_where_the_difference_test_is_critical():
    """Inverting means: at the low end r, the crossed t of `F - r C` just includes zero."""
    candidate, reference = simulate(
        np.random.default_rng(3), seeds=4, tasks=3, episodes=15, success=0.7
    )
    found = crossed_t_ratio(candidate, reference)
    for end in (found.interval.low, found.interval.high):
        scaled = crossed_t_difference(candidate, end * reference)
        edge = min(abs(scaled.interval.low), abs(scaled.interval.high))
        assert edge == pytest.approx(0.0, abs=1e-9)
    assert found.interval.low < found.estimate < found.interval.high


def test_ratio_and_difference_agree_on_equality():
    """1 is within the interval of the ratio exactly when 0 is within that of the difference."""
    rng = np.random.default_rng(4)
    verdicts = set()
    for _ in range(60):
        arms = simulate(rng, seeds=3, tasks=3, episodes=10, success=0.7, ratio=0.75)
        difference, ratio = crossed_t_difference(*arms).interval, crossed_t_ratio(*arms).interval
        equal = difference.low <= 0 <= difference.high
        assert equal == (ratio.low <= 1 <= ratio.high)
        verdicts.add(equal)
    assert verdicts == {True, False}


def test_exchanging_the_arms_inverts_the_ratio():
    arms = simulate(np.random.default_rng(5), seeds=3, tasks=4, episodes=12, success=0.6)
    one, two = crossed_t_ratio(*arms).interval, crossed_t_ratio(*arms[::-1]).interval
    assert one.low == pytest.approx(1 / two.high, rel=1e-8)
    assert one.high == pytest.approx(1 / two.low, rel=1e-8)


def test_order_of_seeds_and_initial_conditions_does_not_matter():
    rng = np.random.default_rng(6)
    candidate, reference = simulate(rng, seeds=4, tasks=2, episodes=9, success=0.6)
    order = rng.permutation(9)
    one = crossed_t_difference(candidate, reference)
    two = crossed_t_difference(candidate[::-1][..., order], reference[..., order])
    assert vars(two)["se"] == pytest.approx(one.se, rel=1e-12)
    assert two.df == pytest.approx(one.df, rel=1e-12)
    # The pairing does matter: against other initial conditions the shared hardness is lost.
    broken = crossed_t_difference(candidate[..., order], reference)
    assert broken.se != pytest.approx(one.se, rel=1e-3)


def test_arms_may_differ_in_seeds():
    rng = np.random.default_rng(7)
    candidate, _ = simulate(rng, seeds=5, tasks=2, episodes=10, success=0.6)
    _, reference = simulate(rng, seeds=3, tasks=2, episodes=10, success=0.6)
    found = crossed_t_difference(candidate, reference)
    components = crossed_components(candidate, reference)
    assert components.seeds == (5, 3)
    assert found.df >= 2
    assert found.se**2 >= (components.seed_variance / np.array([5, 3])).sum() - 1e-15


def test_without_variance_there_is_no_width():
    ones = np.ones((3, 4, 20))
    difference, ratio = crossed_t_difference(ones, ones), crossed_t_ratio(ones, ones)
    assert (difference.interval.low, difference.interval.high) == (0.0, 0.0)
    assert difference.df == 2.0
    assert (ratio.interval.low, ratio.interval.high) == (1.0, 1.0)
    thirds = np.full((3, 4, 20), 1 / 3)
    assert crossed_t_difference(thirds, ones).se == 0.0


def test_reference_without_success_leaves_the_ratio_open():
    zeros, ones = np.zeros((2, 2, 4)), np.ones((2, 2, 4))
    assert crossed_t_ratio(ones, zeros).estimate == math.inf
    assert math.isnan(crossed_t_ratio(zeros, zeros).estimate)
    for candidate in (ones, zeros):
        interval = crossed_t_ratio(candidate, zeros).interval
        assert (interval.low, interval.high) == (0.0, math.inf)


def test_reference_near_zero_has_no_upper_end():
    rng = np.random.default_rng(8)
    reference = np.zeros((3, 1, 12))
    reference[0, 0, 3] = 1.0
    candidate = (rng.uniform(size=(3, 1, 12)) < 0.5).astype(float)
    found = crossed_t_ratio(candidate, reference)
    assert found.interval.high == math.inf
    assert found.interval.low > 0


def test_candidate_without_success_reaches_zero():
    reference = (np.random.default_rng(9).uniform(size=(3, 2, 12)) < 0.7).astype(float)
    found = crossed_t_ratio(np.zeros((3, 2, 12)), reference)
    assert found.estimate == 0.0
    assert found.interval.low == 0.0


def test_covers_as_often_as_it_says_where_pooling_does_not():
    """Three seeds that differ by 8 points: the crossed t covers 0.95, pooled episodes far less."""
    rng = np.random.default_rng(10)
    runs, crossed, ratio, pooled = 400, 0, 0, 0
    for _ in range(runs):
        arms = simulate(rng, seeds=3, tasks=4, episodes=20, success=0.75, ratio=0.9, seed_sd=0.08)
        interval = crossed_t_difference(*arms).interval
        crossed += interval.low <= -0.075 <= interval.high
        interval = crossed_t_ratio(*arms).interval
        ratio += interval.low <= 0.9 <= interval.high
        difference = (arms[0] - arms[1]).ravel()
        reach = 1.96 * difference.std(ddof=1) / math.sqrt(difference.size)
        pooled += abs(difference.mean() + 0.075) <= reach
    assert crossed / runs > 0.92
    assert ratio / runs > 0.92
    assert pooled / runs < 0.85


def test_p_values_by_hand():
    """As above, t = 0; one more success of the candidate is 1/4 over a standard error found by hand.

    Candidate all ones: no variance of its own. Reference as above: 1/16 from seeds, and of its initial
    conditions' 0.125 / 2 the residual takes all. t = 0.25 / 0.25 with one degree of freedom, whose upper
    tail at 1 is a quarter.
    """
    even = crossed_t_test(CANDIDATE, REFERENCE)
    assert (even.t, even.df, even.p_two_sided) == (0.0, 1.0, 1.0)
    found = crossed_t_test(np.ones((2, 1, 2)), REFERENCE)
    assert (found.t, found.df) == pytest.approx((1.0, 1.0))
    assert found.p_greater_one_sided == pytest.approx(0.25)
    assert found.p_less_one_sided == pytest.approx(0.75)
    assert found.p_two_sided == pytest.approx(0.5)


def test_p_values_are_critical_at_the_ends_of_the_ratio():
    arms = simulate(np.random.default_rng(3), seeds=4, tasks=3, episodes=15, success=0.7)
    interval = crossed_t_ratio(*arms).interval
    low, high = (crossed_t_test(*arms, ratio=end) for end in (interval.low, interval.high))
    assert low.p_greater_one_sided == pytest.approx(0.025, abs=1e-8)
    assert high.p_less_one_sided == pytest.approx(0.025, abs=1e-8)
    assert high.p_two_sided == pytest.approx(0.05, abs=1e-8)


@pytest.mark.parametrize("unit", [1e-9, 1.0, 3e4])
def test_the_unit_of_a_metric_does_not_matter(unit):
    """Losses of a billionth are not mistaken for rounding, nor rounding of large times for variance."""
    times = np.random.default_rng(11).gamma(3.0, 1.0, (2, 3, 2, 8))
    plain, scaled = crossed_t_difference(*times), crossed_t_difference(*(unit * times))
    assert scaled.interval.low == pytest.approx(unit * plain.interval.low, rel=1e-9)
    assert scaled.df == pytest.approx(plain.df, rel=1e-9)
    one, two = crossed_t_ratio(*times).interval, crossed_t_ratio(*(unit * times)).interval
    assert (two.low, two.high) == pytest.approx((one.low, one.high), rel=1e-9)
    thirds = np.full((3, 4, 20), unit / 3)
    assert crossed_t_difference(thirds, thirds).se == 0.0
    assert crossed_t_test(thirds, thirds).t == 0.0


def test_a_shift_moves_the_difference_of_a_negative_metric_and_nothing_else():
    smoothness = np.random.default_rng(12).normal(-3.0, 0.4, (2, 4, 2, 6))
    one, two = crossed_t_difference(*smoothness), crossed_t_difference(*(smoothness + 10))
    assert one.interval.low == pytest.approx(two.interval.low, abs=1e-12)
    shifted = crossed_t_difference(smoothness[0] + 1, smoothness[1])
    assert shifted.estimate == pytest.approx(one.estimate + 1)
    assert shifted.se == pytest.approx(one.se)
    for ratio in (crossed_t_ratio, lambda *arms: crossed_t_test(*arms, ratio=0.9)):
        with pytest.raises(ResultsError, match="values from 0 up"):
            ratio(*smoothness)


def test_less_is_better_by_the_other_tail():
    """Exchanging the arms exchanges the tails, and inverts the ratio that is tested."""
    times = np.random.default_rng(13).gamma(3.0, 1.0, (2, 3, 2, 8))
    one = crossed_t_test(*times, ratio=1.25)
    two = crossed_t_test(*times[::-1], ratio=0.8)
    assert one.p_less_one_sided == pytest.approx(two.p_greater_one_sided, rel=1e-9)
    assert one.p_less_one_sided + one.p_greater_one_sided == pytest.approx(1.0)


@pytest.mark.parametrize("ratio", [0.0, -1.0, math.inf, math.nan])
def test_impossible_ratios_are_refused(ratio):
    with pytest.raises(ResultsError, match="positive number"):
        crossed_t_test(CANDIDATE, REFERENCE, ratio=ratio)


@pytest.mark.parametrize(
    ("candidate", "reference", "message"),
    [
        (np.zeros((2, 2, 3)), np.zeros((2, 2, 4)), "same tasks and initial conditions"),
        (np.zeros((2, 2, 3)), np.zeros((2, 1, 3)), "same tasks and initial conditions"),
        (np.full((2, 2, 3), np.nan), np.zeros((2, 2, 3)), "finite"),
        (np.zeros((1, 2, 3)), np.zeros((2, 2, 3)), "at least two seeds"),
        (np.zeros((2, 2, 1)), np.zeros((2, 2, 1)), "initial conditions"),
        (np.zeros((2, 3)), np.zeros((2, 3)), "seed, task, initial condition"),
        (np.zeros((0, 2, 3)), np.zeros((2, 2, 3)), "at least one of each"),
    ],
)
def test_unfit_arrays_are_refused(candidate, reference, message):
    with pytest.raises(ResultsError, match=message):
        crossed_t_difference(candidate, reference)
    with pytest.raises(ResultsError, match=message):
        crossed_t_ratio(candidate, reference)
