import numpy as np
import pytest
from scipy.stats import spearmanr

from fedarm.errors import ResultsError
from fedarm.stats.correlation import spearman


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
