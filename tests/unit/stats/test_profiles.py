import numpy as np
import pytest

from fedarm.errors import ResultsError
from fedarm.stats.profiles import performance_band, performance_profile

SCORES = np.array([[0.0, 1.0], [0.5, 0.5], [0.5, 1.0]])


def test_by_hand():
    """Of 0, 0.5, 0.5, 0.5, 1, 1: a score that equals the threshold is not above it."""
    found = performance_profile(SCORES, [-0.1, 0.0, 0.4, 0.5, 0.9, 1.0])
    assert found == pytest.approx([1.0, 5 / 6, 5 / 6, 2 / 6, 2 / 6, 0.0])


def test_tasks_count_alike_and_thresholds_may_come_in_any_order():
    rng = np.random.default_rng(0)
    scores, thresholds = rng.uniform(size=(4, 5)), rng.uniform(size=7)
    expected = (scores[:, :, np.newaxis] > thresholds).mean(axis=0).mean(axis=0)
    assert performance_profile(scores, thresholds) == pytest.approx(expected)


def test_area_below_the_profile_is_the_mean():
    scores = np.random.default_rng(1).uniform(size=(5, 4))
    thresholds = (np.arange(20_000) + 0.5) / 20_000
    assert performance_profile(scores, thresholds).mean() == pytest.approx(scores.mean(), abs=1e-4)


def test_where_less_is_better_signs_are_turned():
    """Times of 2, 3 and 5 s: two thirds took less than 4 s."""
    assert performance_profile([[-2.0], [-3.0], [-5.0]], [-4.0]) == pytest.approx([2 / 3])


def test_band_holds_the_profile_and_comes_back_with_the_seed():
    thresholds = np.linspace(0, 1, 11)
    bands = [
        performance_band(SCORES, thresholds, rng=np.random.default_rng(3), resamples=200)
        for _ in range(2)
    ]
    one, two = bands
    assert (one.low == two.low).all()
    assert (one.low <= one.share).all()
    assert (one.share <= one.high).all()
    assert (one.high - one.low).max() > 0.3
    # Above the best and below the worst score there is nothing to doubt.
    assert one.high[-1] == 0.0
    assert (performance_band([[0.2]], [0.1, 0.3], rng=np.random.default_rng(0)).low == [1, 0]).all()


@pytest.mark.parametrize(
    ("scores", "thresholds", "message"),
    [
        (SCORES, [np.nan], "thresholds"),
        (SCORES, 0.5, "thresholds"),
        (SCORES[0], [0.5], "run, task"),
        (np.full((2, 2), np.inf), [0.5], "finite"),
    ],
)
def test_unfit_input_is_refused(scores, thresholds, message):
    with pytest.raises(ResultsError, match=message):
        performance_profile(scores, thresholds)
