"""McNemar, Holm, the exact unpaired tests, correlation and aggregates."""

import numpy as np
import pytest
from scipy.stats import fisher_exact, spearmanr
from statsmodels.stats.contingency_tables import mcnemar as statsmodels_mcnemar
from statsmodels.stats.multitest import multipletests

from fedarm.errors import ResultsError
from fedarm.stats.aggregates import interquartile_mean, probability_of_improvement
from fedarm.stats.correlation import spearman
from fedarm.stats.paired_tests import holm, mcnemar
from fedarm.stats.unpaired_tests import barnard, boschloo


@pytest.mark.parametrize(("first", "second"), [(0, 5), (3, 9), (6, 16), (40, 22)])
def test_mcnemar_agrees_with_statsmodels(first, second):
    table = [[10, first], [second, 10]]
    found = mcnemar(first, second)
    assert found.exact == pytest.approx(statsmodels_mcnemar(table, exact=True).pvalue)
    assert found.asymptotic == pytest.approx(
        statsmodels_mcnemar(table, exact=False, correction=False).pvalue
    )
    assert found == mcnemar(second, first)


def test_mcnemar_with_equal_or_no_counts():
    assert mcnemar(0, 0) == mcnemar(0, 0)
    assert vars(mcnemar(0, 0)) == {"exact": 1.0, "mid_p": 1.0, "asymptotic": 1.0}
    # Two of two split evenly has probability 1/2; half of it is taken off.
    assert vars(mcnemar(1, 1)) == pytest.approx({"exact": 1.0, "mid_p": 0.75, "asymptotic": 1.0})


def test_mcnemar_refuses_fractions():
    with pytest.raises(ResultsError, match="whole counts"):
        mcnemar(1.5, 2)


def test_holm_agrees_with_statsmodels_and_keeps_order():
    p_values = np.random.default_rng(0).uniform(size=12) ** 3
    assert holm(p_values) == pytest.approx(multipletests(p_values, method="holm")[1])
    assert holm([]) == ()
    assert holm([0.9, 0.8]) == (1.0, 1.0)
    with pytest.raises(ResultsError, match="p-values"):
        holm([0.5, np.nan])


def test_boschloo_is_more_powerful_than_fisher():
    table = [[7, 12], [8, 3]]
    assert boschloo((7, 8), (12, 3), alternative="less") < fisher_exact(table, "less").pvalue
    assert barnard((5, 5), (5, 5)) == pytest.approx(1.0)
    with pytest.raises(ResultsError, match="at least one trial"):
        barnard((0, 0), (1, 2))


def test_spearman_agrees_with_scipy_ties_included():
    x = [1.0, 2.0, 2.0, 3.0, 5.0, 4.0]
    y = [0.9, 0.8, 0.5, 0.5, 0.1, 0.3]
    assert spearman(x, y) == pytest.approx(spearmanr(x, y).statistic)
    assert spearman([1, 2, 3], [10, 100, 1000]) == pytest.approx(1.0)


def test_spearman_is_silent_where_it_says_nothing():
    assert spearman([1, 2], [1, 2]) is None
    assert spearman([1, 1, 1], [1, 2, 3]) is None
    with pytest.raises(ResultsError, match="same length"):
        spearman([1, 2, 3], [1, 2])
    with pytest.raises(ResultsError, match="finite"):
        spearman([1, 2, np.nan], [1, 2, 3])


def test_probability_of_improvement_adds_up_to_one():
    rng = np.random.default_rng(1)
    first, second = rng.integers(0, 4, (5, 3)), rng.integers(0, 4, (4, 3))
    one, two = (
        probability_of_improvement(first, second),
        probability_of_improvement(second, first),
    )
    assert one + two == pytest.approx(1.0)
    with pytest.raises(ResultsError, match="same tasks"):
        probability_of_improvement(first, second[:, :2])


def test_interquartile_mean_ignores_the_outer_quarters():
    assert interquartile_mean([0, 1, 2, 3, 4, 5, 6, 1000]) == pytest.approx(3.5)
    with pytest.raises(ResultsError, match="at least one"):
        interquartile_mean([])
