import numpy as np
import pytest

from fedarm.errors import ResultsError
from fedarm.stats.aggregates import interquartile_mean, probability_of_improvement


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


def test_probability_of_improvement_is_mann_whitney():
    """By hand: of the six pairs 3 > 2, 5 > 2 and 5 > 4 are won, and no pair is even."""
    assert probability_of_improvement([[1], [3], [5]], [[2], [4]]) == pytest.approx(0.5)
    assert probability_of_improvement([[2], [4]], [[2], [2]]) == pytest.approx(0.75)
    with pytest.raises(ResultsError, match="run, task"):
        probability_of_improvement([1, 2], [3, 4])


def test_interquartile_mean_ignores_the_outer_quarters():
    assert interquartile_mean([0, 1, 2, 3, 4, 5, 6, 1000]) == pytest.approx(3.5)
    with pytest.raises(ResultsError, match="at least one"):
        interquartile_mean([])
