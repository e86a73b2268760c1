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
