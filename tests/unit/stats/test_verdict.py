import math

import pytest

from fedarm.errors import ResultsError
from fedarm.stats.interval import Interval
from fedarm.stats.verdict import decide, percent


@pytest.mark.parametrize(
    ("low", "high", "verdict"),
    [
        (0.93, 1.05, "non-inferior within 10 %"),
        (1.02, 1.20, "non-inferior within 10 %"),
        (0.90, 1.05, "non-inferior within 20 %"),  # the bound itself is not enough
        (0.82, 1.10, "non-inferior within 20 %"),
        (0.82, 0.88, "non-inferior within 20 %"),  # certainly worse, and certainly tolerable
        (0.80, 1.00, "inconclusive"),
        (0.70, 0.95, "inconclusive"),
        (0.70, 1.30, "inconclusive"),
        (0.70, 0.80, "inconclusive"),
        (0.60, 0.79, "inferior"),
        (0.00, 0.10, "inferior"),
        (0.00, math.inf, "inconclusive"),
    ],
)
def test_verdicts_at_two_margins(low, high, verdict):
    assert decide(Interval(low, high), (0.2, 0.1)) == verdict
    assert decide(Interval(low, high), (0.1, 0.2)) == verdict


def test_one_margin_at_a_time():
    assert decide(Interval(0.82, 0.88), (0.1,)) == "inferior"
    assert decide(Interval(0.82, 0.88), (0.2,)) == "non-inferior within 20 %"
    assert decide(Interval(0.82, 0.95), (0.1,)) == "inconclusive"


def test_passing_a_strict_margin_implies_a_wider_one():
    """So testing the widest first never stops before a margin that would have passed."""
    for hundredths in range(50, 120):
        interval = Interval(hundredths / 100, 1.3)
        if decide(interval, (0.1,)).startswith("non-inferior"):
            assert decide(interval, (0.2,)).startswith("non-inferior")


def test_fractions_of_a_percent_are_written_out():
    assert percent(0.1) == "10 %"
    assert decide(Interval(0.99, 1.0), (0.025,)) == "non-inferior within 2.5 %"


@pytest.mark.parametrize("margins", [(), (0.0,), (10.0,), (0.1, -0.1)])
def test_impossible_margins_are_refused(margins):
    with pytest.raises(ResultsError, match="margins"):
        decide(Interval(0.9, 1.1), margins)


def test_interval_without_ends_is_refused():
    with pytest.raises(ResultsError, match="low end"):
        decide(Interval(math.nan, math.nan), (0.1,))
