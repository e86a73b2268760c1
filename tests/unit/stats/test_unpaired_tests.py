import pytest
from scipy.stats import fisher_exact

from fedarm.errors import ResultsError
from fedarm.stats.unpaired_tests import barnard, boschloo


def test_boschloo_is_more_powerful_than_fisher():
    table = [[7, 12], [8, 3]]
    assert boschloo((7, 8), (12, 3), alternative="less") < fisher_exact(table, "less").pvalue
    assert barnard((5, 5), (5, 5)) == pytest.approx(1.0)
    with pytest.raises(ResultsError, match="at least one trial"):
        barnard((0, 0), (1, 2))


def test_barnard_and_boschloo_of_a_table_with_zeros():
    """All against none of three: the largest chance of this table or its mirror is 2 / 64, at a half."""
    assert barnard((3, 0), (0, 3)) == pytest.approx(2 / 64, abs=1e-6)
    assert boschloo((3, 0), (0, 3), alternative="greater") == pytest.approx(1 / 64, abs=1e-6)


def test_fractions_are_refused():
    with pytest.raises(ResultsError, match="whole counts"):
        boschloo((1.5, 2), (3, 4))
