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


@pytest.mark.parametrize(
    ("successes", "trials", "low", "high"),
    [
        (81, 263, 0.2527, 0.3676),
        (15, 148, 0.0578, 0.1617),
        (0, 20, 0.0, 0.1684),
        (1, 29, 0.0009, 0.1776),
    ],
)
def test_exact_interval_reproduces_newcombes_examples(successes, trials, low, high):
    """Newcombe 1998, Statistics in Medicine 17, 857-872, table I, method 5."""
    found = clopper_pearson(successes, trials)
    assert (found.low, found.high) == pytest.approx((low, high), abs=6e-5)


@pytest.mark.parametrize(
    ("first", "second", "low", "high"),
    [
        ((56, 70), (48, 80), 0.0524, 0.3339),
        ((9, 10), (3, 10), 0.1705, 0.8090),
        ((6, 7), (2, 7), 0.0582, 0.8062),
        ((5, 56), (0, 29), -0.0381, 0.1926),
        ((0, 10), (0, 20), -0.1611, 0.2775),
        ((0, 10), (0, 10), -0.2775, 0.2775),
        ((10, 10), (0, 20), 0.6791, 1.0),
        ((10, 10), (0, 10), 0.6075, 1.0),
    ],
)
def test_newcombe_reproduces_his_examples(first, second, low, high):
    """Newcombe 1998, Statistics in Medicine 17, 873-890, table II, method 10."""
    found = newcombe_unpaired(first, second)
    assert (found.low, found.high) == pytest.approx((low, high), abs=6e-5)


def test_newcombe_is_antisymmetric_and_bounded():
    one = newcombe_unpaired((5, 56), (0, 29))
    two = newcombe_unpaired((0, 29), (5, 56))
    assert (one.low, one.high) == pytest.approx((-two.high, -two.low), abs=1e-14)
    extreme = newcombe_unpaired((10, 10), (0, 10))
    assert extreme.high == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("successes", "trials"), [(1, 0), (-1, 5), (6, 5), (float("nan"), 5), (1, float("inf"))]
)
def test_impossible_counts_are_refused(successes, trials):
    for interval in (wilson, clopper_pearson):
        with pytest.raises(ResultsError, match="successes must lie"):
            interval(successes, trials)


@pytest.mark.parametrize("confidence", [0.0, 1.0, 95])
def test_impossible_confidence_is_refused(confidence):
    for interval in (wilson, clopper_pearson):
        with pytest.raises(ResultsError, match=r"write 95 % as 0\.95"):
            interval(1, 2, confidence=confidence)
