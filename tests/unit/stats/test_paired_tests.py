import numpy as np
import pytest
from statsmodels.stats.contingency_tables import mcnemar as statsmodels_mcnemar
from statsmodels.stats.multitest import multipletests

from fedarm.errors import ResultsError
from fedarm.stats.paired_tests import McNemar, holm, mcnemar


@pytest.mark.parametrize(("first", "second"), [(0, 5), (3, 9), (6, 16), (40, 22)])
def test_mcnemar_agrees_with_statsmodels(first, second):
    table = [[10, first], [second, 10]]
    found = mcnemar(first, second)
    assert found.exact_p_two_sided == pytest.approx(statsmodels_mcnemar(table, exact=True).pvalue)
    assert found.asymptotic_p_two_sided == pytest.approx(
        statsmodels_mcnemar(table, exact=False, correction=False).pvalue
    )
    assert found == mcnemar(second, first)


def test_mcnemar_with_equal_or_no_counts():
    assert mcnemar(0, 0) == McNemar(1.0, 1.0, 1.0)
    # Two of two split evenly has probability 1/2; half of it is taken off.
    assert vars(mcnemar(1, 1)) == pytest.approx(vars(McNemar(1.0, 0.75, 1.0)))


def test_mcnemar_of_fagerlands_airway_example():
    """By hand: of 8 discordant pairs, at most one has 9/256, exactly one 8/256; z^2 = 36/8."""
    found = mcnemar(1, 7)
    assert found.exact_p_two_sided == pytest.approx(18 / 256)
    assert found.mid_p_two_sided == pytest.approx(10 / 256)
    assert found.asymptotic_p_two_sided == pytest.approx(0.0339, abs=5e-5)


@pytest.mark.parametrize("count", [1.5, -1, np.nan, np.inf])
def test_mcnemar_refuses_what_is_no_count(count):
    with pytest.raises(ResultsError, match="whole counts"):
        mcnemar(count, 2)


def test_holm_with_ties_and_beyond_one():
    """3 * 0.02 for all three, since a larger p-value never gets the smaller adjusted one."""
    assert holm([0.02, 0.02, 0.02]) == pytest.approx((0.06, 0.06, 0.06))
    assert holm([0.6, 0.01, 0.6, 0.01]) == pytest.approx((1.0, 0.04, 1.0, 0.04))


def test_holm_agrees_with_statsmodels_and_keeps_order():
    p_values = np.random.default_rng(0).uniform(size=12) ** 3
    assert holm(p_values) == pytest.approx(multipletests(p_values, method="holm")[1])
    assert holm([]) == ()
    assert holm([0.9, 0.8]) == (1.0, 1.0)
    with pytest.raises(ResultsError, match="p-values"):
        holm([0.5, np.nan])
