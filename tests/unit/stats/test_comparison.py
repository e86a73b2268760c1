import math

import numpy as np
import pytest

from fedarm.errors import ResultsError
from fedarm.stats.comparison import compare, required_designs
from fedarm.stats.counts import count_pairs
from fedarm.stats.crossed import crossed_t_difference, crossed_t_ratio
from fedarm.stats.difference import tango
from fedarm.stats.ratio import tang_nam

from .simulation import simulate


def codes(comparison):
    return {caution.code for caution in comparison.cautions}


@pytest.fixture
def arms():
    return simulate(np.random.default_rng(0), seeds=3, tasks=4, episodes=20, success=0.7, ratio=0.9)


def test_several_seeds_are_compared_by_the_crossed_t(arms):
    found = compare(*arms)
    assert found.level == "seeds"
    assert found.difference_ci == crossed_t_difference(*arms).interval
    assert found.ratio_ci == crossed_t_ratio(*arms).interval
    assert found.difference == pytest.approx(arms[0].mean() - arms[1].mean())
    assert (found.design.seeds, found.design.episodes, found.tasks) == (3, 20, 4)
    assert codes(found) == set()


@pytest.mark.parametrize("level", ["seeds", "checkpoints"])
def test_p_value_agrees_with_the_interval(level):
    rng = np.random.default_rng(1)
    verdicts = set()
    for _ in range(30):
        pair = simulate(rng, seeds=3, tasks=2, episodes=12, success=0.7, ratio=0.7)
        found = compare(*pair, level=level)
        equal = found.difference_ci.low <= 0 <= found.difference_ci.high
        assert equal == (found.difference_p_two_sided >= 0.05)
        verdicts.add(equal)
    assert verdicts == {True, False}


def test_one_seed_speaks_of_its_checkpoints_only(arms):
    first = tuple(arm[:1] for arm in arms)
    found = compare(*first)
    pairs = count_pairs(first[0][0], first[1][0])
    assert found.level == "checkpoints"
    assert found.difference_ci == tango(pairs)
    assert found.ratio_ci == tang_nam(pairs)
    assert "one_seed" in codes(found)
    assert any("for these checkpoints only" in caution.text for caution in found.cautions)


def test_checkpoints_of_several_seeds_do_not_count_as_more_initial_conditions(arms):
    """Five copies of the same checkpoints know no more than the checkpoints."""
    once = tuple(arm[:1] for arm in arms)
    copies = tuple(np.repeat(arm, 5, axis=0) for arm in once)
    expected = compare(*once).difference_ci
    found = compare(*copies, level="checkpoints")
    assert (found.difference_ci.low, found.difference_ci.high) == pytest.approx(
        (expected.low, expected.high), abs=1e-9
    )
    assert found.level == "checkpoints"
    assert "one_seed" not in codes(found)


def test_seeds_that_agree_do_not_prove_equality():
    ones = np.ones((3, 4, 20))
    found = compare(ones, ones)
    assert found.level == "checkpoints"
    # 80 distinct initial conditions, not 240.
    assert found.difference_ci.low == pytest.approx(-3.8415 / (80 + 3.8415), abs=1e-4)
    assert {"no_variance", "ceiling"} <= codes(found)


def test_a_variance_that_cancels_is_none():
    """Every seed fails once, each elsewhere: v2 = ve = 1/90, and rounding must not tell them apart."""
    candidate, reference = np.ones((2, 1, 10)), np.ones((2, 1, 10))
    for arm, failures in ((candidate, (9, 1)), (reference, (4, 0))):
        for seed, failure in enumerate(failures):
            arm[seed, 0, failure] = 0.0
    rng = np.random.default_rng(0)
    for _ in range(20):
        order = rng.permutation(10)
        found = compare(candidate[..., order], reference[..., order])
        assert found.difference_ci.half_width > 0.1
        assert "no_variance" in codes(found)


def test_seeds_whose_means_agree_by_chance_have_a_width():
    """Same share of successes in every seed, though not on the same initial conditions."""
    candidate = np.array([[[1, 1, 0, 0]], [[0, 0, 1, 1]]], dtype=float)
    reference = np.array([[[0, 1, 1, 0]], [[1, 0, 0, 1]]], dtype=float)
    found = compare(candidate, reference)
    assert found.difference_ci.half_width > 0.3
    assert found.ratio_ci.low < 0.5


def test_reference_without_success():
    zeros = np.zeros((2, 2, 10))
    found = compare(np.ones((2, 2, 10)), zeros)
    assert found.ratio == math.inf
    assert found.ratio_ci.high == math.inf
    assert found.smallest_detectable_ratio is None
    assert "floor" in codes(found)
    assert required_designs(np.ones((2, 2, 10)), zeros, (0.2,)) == {0.2: ()}


def test_one_initial_condition_is_compared_as_it_can_be():
    found = compare(np.ones((3, 2, 1)), np.zeros((3, 2, 1)))
    assert found.level == "checkpoints"
    assert {"one_initial_condition", "few_initial_conditions"} <= codes(found)


def test_cautions_name_small_designs(arms):
    small = tuple(arm[:2, :, :5] for arm in arms)
    assert {"few_seeds", "few_initial_conditions"} <= codes(compare(*small))


def test_smallest_detectable_is_wider_than_the_interval(arms):
    """80 % power takes more than being significant half of the time."""
    found = compare(*arms)
    assert found.smallest_detectable > found.difference_ci.half_width
    assert found.smallest_detectable_ratio == pytest.approx(
        1 - found.smallest_detectable / found.reference
    )


def test_stricter_margins_need_larger_designs(arms):
    designs = required_designs(*arms, (0.2, 0.1))
    assert designs[0.1][0].seeds > designs[0.2][0].seeds
    at_pairs = required_designs(*arms, (0.2, 0.1), level="checkpoints")
    assert at_pairs[0.1][0].episodes == pytest.approx(4 * at_pairs[0.2][0].episodes, rel=0.02)


@pytest.mark.parametrize(
    ("candidate", "reference", "message"),
    [
        (np.full((1, 1, 2), np.nan), np.zeros((1, 1, 2)), "within 0 and 1"),
        (np.zeros((2, 1, 2)), np.full((2, 1, 2), 2.0), "within 0 and 1"),
        (np.zeros((2, 1, 2)), np.zeros((2, 2, 2)), "same tasks"),
        (np.zeros((2, 2)), np.zeros((2, 2)), "seed, task"),
    ],
)
def test_unfit_arrays_are_refused(candidate, reference, message):
    with pytest.raises(ResultsError, match=message):
        compare(candidate, reference)
