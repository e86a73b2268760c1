"""Group-sequential boundaries against published ones, and the error rate that they keep."""

import numpy as np
import pytest

from fedarm.errors import ResultsError
from fedarm.stats.counts import PairedCounts
from fedarm.stats.ratio import tang_nam
from fedarm.stats.sequential import (
    LEVEL,
    crossing_probabilities,
    obrien_fleming,
    spending_plan,
    take_look,
)

FIVE = (0.2, 0.4, 0.6, 0.8, 1.0)


def test_obrien_fleming_as_published():
    """Jennison and Turnbull 2000, table 2.3: constants 1.977, 2.004, 2.024, 2.040."""
    constants = {2: 1.977, 3: 2.004, 4: 2.024, 5: 2.040}
    for looks, constant in constants.items():
        assert obrien_fleming(looks).boundaries[-1] == pytest.approx(constant, abs=5e-4)
    assert obrien_fleming(5).boundaries == pytest.approx((4.56, 3.23, 2.63, 2.28, 2.04), abs=0.005)


def test_spending_as_published():
    """Lan and DeMets 1983 for five equal looks, as printed by ldbounds."""
    published = (4.8769, 3.3569, 2.6803, 2.2898, 2.0310)
    assert spending_plan(FIVE).boundaries == pytest.approx(published, abs=2e-4)


def test_one_look_is_the_usual_test():
    for plan in (obrien_fleming(1), spending_plan([1.0])):
        assert plan.boundaries == pytest.approx((1.959964,), abs=1e-5)
        assert plan.confidence(1) == pytest.approx(0.95, abs=1e-6)


def test_looking_without_a_plan():
    """Armitage, McPherson and Rowe 1969: five looks at 1.96 either side err in 0.142."""
    # Both sides together: hardly anyone crosses both.
    assert 2 * sum(crossing_probabilities(FIVE, [1.96] * 5)) == pytest.approx(0.142, abs=0.001)


@pytest.mark.parametrize("plan", [obrien_fleming(4), spending_plan([0.05, 0.3, 0.9, 1.0])])
def test_plans_keep_their_level(plan):
    assert sum(crossing_probabilities(plan.fractions, plan.boundaries)) == pytest.approx(LEVEL)
    rng = np.random.default_rng(0)
    steps = np.diff([0.0, *plan.fractions])
    walk = np.cumsum(rng.normal(size=(200_000, len(steps))) * np.sqrt(steps), axis=1)
    crossed = walk / np.sqrt(plan.fractions) > plan.boundaries
    assert crossed.any(axis=1).mean() == pytest.approx(LEVEL, abs=0.0012)


def test_power_is_nearly_that_of_one_look():
    """O'Brien and Fleming's plan costs little: 0.8 falls to 0.79 with five looks."""
    plan = obrien_fleming(5)
    crossed = crossing_probabilities(plan.fractions, plan.boundaries, drift=1.959964 + 0.841621)
    assert 0.785 < sum(crossed) < 0.795
    assert crossed[0] < 0.001 < crossed[1]


def test_a_look_too_early_spends_nothing():
    plan = spending_plan([0.01, 1.0])
    assert plan.boundaries[0] > 8
    assert plan.boundaries[1] == pytest.approx(1.96, abs=0.001)


@pytest.mark.parametrize("measure", ["ratio", "difference"])
def test_a_look_says_the_same_as_its_interval(measure):
    plan = obrien_fleming(5)
    rng = np.random.default_rng(1)
    seen = set()
    for _ in range(300):
        counts = PairedCounts(*map(float, rng.multinomial(60, rng.dirichlet((4, 1, 1, 1)))))
        look = int(rng.integers(1, 6))
        found = take_look(counts, plan=plan, look=look, margin=0.2, measure=measure)
        kept = 0.8 if measure == "ratio" else -0.2
        expected = "inconclusive" if look == 5 else None
        if found.interval.low > kept:
            expected = "non-inferior"
        elif found.interval.high < kept:
            expected = "inferior"
        assert found.outcome == expected
        seen.add(expected)
    assert seen == {None, "inconclusive", "non-inferior", "inferior"}


def test_the_documented_example():
    """`docs/planning.md`."""
    counts = PairedCounts(both=44, first_only=6, second_only=4, neither=6)
    found = take_look(counts, plan=obrien_fleming(5), look=3, margin=0.2)
    assert (found.z, found.boundary) == pytest.approx((3.187, 2.634), abs=0.001)
    assert (found.interval.low, found.interval.high) == pytest.approx((0.849, 1.294), abs=0.001)
    assert found.outcome == "non-inferior"


def test_repeated_intervals_are_wider_than_the_usual_one():
    counts = PairedCounts(30, 5, 4, 11)
    plan = obrien_fleming(5)
    widths = [
        take_look(counts, plan=plan, look=look, margin=0.1).interval.half_width
        for look in (1, 2, 3, 4, 5)
    ]
    assert widths == sorted(widths, reverse=True)
    assert widths[-1] > tang_nam(counts).half_width


def false_noninferiority(boundaries, *, pairs, studies, measure):
    """Simulate looks at pairs of a first arm that loses exactly the margin."""
    rng = np.random.default_rng(2)
    looks = len(boundaries)
    loss = 0.2 if measure == "difference" else 0.2 * 0.8
    shares = [0.8 - loss - 0.05, 0.05, loss + 0.05, 0.2 - 0.05]
    found = 0
    how = {"plan": obrien_fleming(looks), "margin": 0.2, "measure": measure}
    for _ in range(studies):
        steps = rng.multinomial(pairs // looks, shares, size=looks).cumsum(axis=0)
        results = [
            take_look(PairedCounts(*map(float, step)), look=k + 1, **how)
            for k, step in enumerate(steps)
        ]
        found += any(one.z > bound for one, bound in zip(results, boundaries, strict=True))
    return found / studies


@pytest.mark.slow
def test_the_score_tests_keep_the_level_and_peeking_does_not():
    plan = obrien_fleming(5)
    for measure in ("difference", "ratio"):
        rate = false_noninferiority(plan.boundaries, pairs=100, studies=800, measure=measure)
        assert rate < 0.025 + 3 * np.sqrt(0.025 * 0.975 / 800)
    peeking = false_noninferiority([1.96] * 10, pairs=100, studies=500, measure="difference")
    assert peeking > 0.07


@pytest.mark.parametrize(
    ("call", "key"),
    [
        (lambda: obrien_fleming(0), "fractions"),
        (lambda: obrien_fleming(200), "fractions"),
        (lambda: obrien_fleming(5, level=0.6), "level"),
        (lambda: spending_plan([0.5, 0.4, 1.0]), "fractions"),
        (lambda: spending_plan([0.5, 0.9]), "fractions"),
        (lambda: spending_plan([]), "fractions"),
        (lambda: obrien_fleming(5).boundary(6), "look"),
        (lambda: obrien_fleming(5).confidence(0), "look"),
        (
            lambda: take_look(PairedCounts(5, 1, 1, 1), plan=obrien_fleming(2), look=1, margin=1.0),
            "margin",
        ),
    ],
)
def test_what_is_no_plan_is_refused(call, key):
    with pytest.raises(ResultsError, match=key):
        call()
