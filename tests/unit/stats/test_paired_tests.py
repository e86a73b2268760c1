import numpy as np
import pytest
from statsmodels.stats.contingency_tables import mcnemar as statsmodels_mcnemar
from statsmodels.stats.multitest import multipletests

from fedarm.errors import ResultsError
from fedarm.stats.paired_tests import holm, mcnemar


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
