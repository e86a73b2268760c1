import numpy as np
import pytest

from fedarm.errors import ResultsError
from fedarm.stats.crossed import crossed_t_difference
from fedarm.stats.restricted_time import restricted_mean_time, restricted_times


def test_by_hand():
    """Successes after 3 and 12 s, a failure, and a success at 25 s, which at 20 s has not come."""
    success, time = [1, 1, 0, 1], [3.0, 12.0, np.nan, 25.0]
    assert restricted_times(success, time, horizon=20.0) == pytest.approx([3, 12, 20, 20])
    assert restricted_mean_time(success, time, horizon=20.0) == pytest.approx(13.75)


def test_a_failure_is_not_fast():
    """Early failures look fast if only the time of an episode counts."""
    assert restricted_mean_time([1, 0], [8.0, 0.5], horizon=10.0) == 9.0


def test_it_is_the_area_above_success_by_time():
    rng = np.random.default_rng(0)
    success, time = rng.uniform(size=200) < 0.7, rng.gamma(4.0, 2.0, 200)
    at = (np.arange(10_000) + 0.5) * 15 / 10_000
    by_time = ((time[:, np.newaxis] <= at) & success[:, np.newaxis]).mean(axis=0)
    found = restricted_mean_time(success, time, horizon=15.0)
    assert found == pytest.approx((1 - by_time).mean() * 15, abs=2e-3)


def test_the_crossed_t_compares_it():
    rng = np.random.default_rng(1)
    success = (rng.uniform(size=(2, 3, 2, 10)) < 0.7).astype(float)
    times = restricted_times(success, rng.gamma(4.0, 2.0, success.shape), horizon=20.0)
    slower = crossed_t_difference(np.minimum(times[0] + 30, 50.0), times[1])
    assert slower.interval.low > 0


@pytest.mark.parametrize(
    ("success", "time", "horizon", "message"),
    [
        ([1, 0], [1.0], 5.0, "a success and a time"),
        ([0.5], [1.0], 5.0, "succeeds or does not"),
        ([np.nan], [1.0], 5.0, "succeeds or does not"),
        ([1], [np.nan], 5.0, "finite time"),
        ([1], [-1.0], 5.0, "finite time"),
        ([1], [1.0], 0.0, "horizon"),
        ([1], [1.0], np.inf, "horizon"),
        ([], [], 5.0, "needs episodes"),
    ],
)
def test_unfit_input_is_refused(success, time, horizon, message):
    with pytest.raises(ResultsError, match=message):
        restricted_mean_time(success, time, horizon=horizon)
