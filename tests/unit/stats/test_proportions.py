import pytest
from scipy.stats import binomtest

from fedarm.errors import ResultsError
from fedarm.stats.proportions import clopper_pearson, newcombe_unpaired, wilson


@pytest.mark.parametrize("trials", [1, 7, 20, 263])
def test_ends_are_exact_at_none_and_all(trials):
    for interval in (wilson, clopper_pearson):
        none, every = interval(0, trials), interval(trials, trials)
        assert none.low == 0.0
        assert every.high == 1.0
        assert none.high == pytest.approx(1 - every.low, abs=1e-12)
        assert 0 < none.high < 1


@pytest.mark.parametrize(("successes", "trials"), [(0, 5), (3, 5), (81, 263), (20, 20)])
def test_agrees_with_scipy(successes, trials):
    test = binomtest(successes, trials)
    for interval, method in ((wilson, "wilson"), (clopper_pearson, "exact")):
        for confidence in (0.9, 0.95, 0.99):
            expected = test.proportion_ci(confidence, method=method)
            found = interval(successes, trials, confidence=confidence)
            assert (found.low, found.high) == pytest.approx(
                (expected.low, expected.high), abs=1e-10
            )


def test_exact_interval_covers_at_least_95_percent():
    """The definition: at the low end, as many successes or more have 2.5 %."""
    interval = clopper_pearson(13, 16)
    assert binomtest(13, 16, interval.low, alternative="greater").pvalue == pytest.approx(0.025)
    assert binomtest(13, 16, interval.high, alternative="less").pvalue == pytest.approx(0.025)


def test_newcombe_is_antisymmetric_and_bounded():
    one = newcombe_unpaired((5, 56), (0, 29))
    two = newcombe_unpaired((0, 29), (5, 56))
    assert (one.low, one.high) == pytest.approx((-two.high, -two.low), abs=1e-14)
    extreme = newcombe_unpaired((10, 10), (0, 10))
    assert extreme.high == pytest.approx(1.0)


@pytest.mark.parametrize(("successes", "trials"), [(1, 0), (-1, 5), (6, 5), (float("nan"), 5)])
def test_impossible_counts_are_refused(successes, trials):
    for interval in (wilson, clopper_pearson):
        with pytest.raises(ResultsError, match="successes must lie"):
            interval(successes, trials)


@pytest.mark.parametrize("confidence", [0.0, 1.0, 95])
def test_impossible_confidence_is_refused(confidence):
    for interval in (wilson, clopper_pearson):
        with pytest.raises(ResultsError, match=r"write 95 % as 0\.95"):
            interval(1, 2, confidence=confidence)
