import numpy as np
import pytest

from fedarm.errors import ResultsError
from fedarm.stats.comparison import compare
from fedarm.stats.counts import PairedCounts
from fedarm.stats.fixed_sequence import fixed_sequence, retention_sequence
from fedarm.stats.ratio import tang_nam_p_greater_one_sided
from fedarm.stats.verdict import decide

from .simulation import simulate


def test_it_stops_at_the_first_that_fails():
    steps = fixed_sequence({"a": 0.001, "b": 0.02, "c": 0.03, "d": 0.004})
    assert [step.hypothesis for step in steps] == ["a", "b", "c", "d"]
    assert [step.tested for step in steps] == [True, True, True, False]
    # The last is small enough on its own, and never gets its turn.
    assert [step.shown for step in steps] == [True, True, False, False]
    assert [step.adjusted_p_one_sided for step in steps] == [0.001, 0.02, 0.03, 0.03]
    assert [step.p_one_sided for step in steps] == [0.001, 0.02, 0.03, 0.004]


def test_the_level_is_declared():
    assert not fixed_sequence({"a": 0.025})[0].shown
    assert fixed_sequence({"a": 0.025}, alpha_one_sided=0.05)[0].shown
    assert fixed_sequence({}) == ()


def test_any_false_claim_is_as_rare_as_one():
    """Three true null hypotheses: each alone is wrong in 2.5 %, any of the sequence as well."""
    p_values = np.random.default_rng(0).uniform(size=(20_000, 3))
    alone = (p_values < 0.025).any(axis=1).mean()
    claims = [
        any(step.shown for step in fixed_sequence(dict(zip("abc", row, strict=True))))
        for row in p_values[:6000]
    ]
    assert np.mean(claims) == pytest.approx(0.025, abs=0.007)
    assert alone > 0.06


@pytest.mark.parametrize("level", ["seeds", "checkpoints"])
def test_it_agrees_with_the_verdict(level):
    """Non-inferior within a margin exactly when the interval says so, and superior when above 1."""
    rng = np.random.default_rng(1)
    verdicts = set()
    for ratio in np.repeat([0.75, 0.95, 1.25], 6):
        arms = simulate(rng, seeds=4, tasks=2, episodes=25, success=0.6, ratio=ratio, seed_sd=0.02)
        shown = {step.hypothesis: step.shown for step in retention_sequence(*arms, level=level)}
        interval = compare(*arms, level=level).ratio_ci
        verdict = decide(interval, (0.2, 0.1))
        assert shown["R > 0.8"] == verdict.startswith("non-inferior")
        assert shown["R > 0.9"] == (verdict == "non-inferior within 10 %")
        assert shown["R > 1"] == (interval.low > 1)
        verdicts.add((verdict, shown["R > 1"]))
    assert len(verdicts) >= 3


def test_checkpoints_are_tested_by_the_score_of_tang_and_nam():
    candidate = np.array([1.0] * 10 + [0.0] * 10).reshape(1, 1, 20)
    reference = np.array([1.0] * 8 + [0.0] * 4 + [1.0] * 3 + [0.0] * 5).reshape(1, 1, 20)
    (step,) = retention_sequence(candidate, reference, ratios=(0.7,))
    expected = tang_nam_p_greater_one_sided(PairedCounts(8, 2, 3, 7), ratio=0.7)
    assert step.p_one_sided == pytest.approx(expected, abs=1e-12)


def test_seeds_that_agree_are_tested_as_checkpoints():
    """Otherwise no variance would be certainty."""
    ones = np.ones((3, 2, 10))
    (step,) = retention_sequence(ones, ones, ratios=(0.9,))
    expected = tang_nam_p_greater_one_sided(PairedCounts(20, 0, 0, 0), ratio=0.9)
    assert step.p_one_sided == pytest.approx(expected)
    assert not step.shown


def test_a_reference_without_success_leaves_nothing_to_keep():
    candidate = (np.random.default_rng(2).uniform(size=(3, 2, 10)) < 0.6).astype(float)
    steps = retention_sequence(candidate, np.zeros((3, 2, 10)))
    assert not any(step.shown for step in steps)


def test_impossible_p_values_are_refused():
    for values in ({"a": float("nan")}, {"a": -0.1}, {"a": 1.1}):
        with pytest.raises(ResultsError, match="within 0 and 1"):
            fixed_sequence(values)
    with pytest.raises(ResultsError, match="within 0 and 1"):
        fixed_sequence({"a": 0.1}, alpha_one_sided=2.5)
