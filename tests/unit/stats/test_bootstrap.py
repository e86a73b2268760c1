import numpy as np
import pytest

from fedarm.errors import ResultsError
from fedarm.stats.aggregates import interquartile_mean, probability_of_improvement
from fedarm.stats.bootstrap import bootstrap_interval, bootstrap_values


def test_one_generator_one_interval():
    scores = np.random.default_rng(0).uniform(size=(5, 3))
    one, two, other = (
        bootstrap_interval(
            interquartile_mean, scores, rng=np.random.default_rng(seed), resamples=50
        )
        for seed in (1, 1, 2)
    )
    assert one == two
    assert one != other
    assert one.low < interquartile_mean(scores) < one.high


def test_runs_stay_within_their_task():
    """Each task has its own hundred; the mean of each task stays in it."""
    scores = np.arange(4)[:, np.newaxis] + 100.0 * np.arange(3)
    means = bootstrap_values(
        lambda drawn: drawn.mean(axis=0), scores, rng=np.random.default_rng(0), resamples=200
    )
    assert means.shape == (200, 3)
    assert (np.floor(means / 100) == np.arange(3)).all()
    # Tasks are drawn apart from each other.
    assert abs(np.corrcoef(means[:, 0], means[:, 1])[0, 1]) < 0.3


def test_variance_of_the_mean_is_the_known_one():
    """Of n runs with variance s2 (over n), the mean of n drawn anew has the variance s2 / n."""
    scores = np.array([[0.0], [0.0], [1.0], [1.0]])
    means = bootstrap_values(np.mean, scores, rng=np.random.default_rng(0), resamples=4000)
    assert means.var() == pytest.approx(0.25 / 4, rel=0.08)
    assert set(np.unique(means)) == {0.0, 0.25, 0.5, 0.75, 1.0}


def test_two_arms_are_drawn_apart():
    first, second = np.array([[0.0], [1.0]]), np.array([[0.0], [1.0], [1.0]])
    interval = bootstrap_interval(
        probability_of_improvement, first, second, rng=np.random.default_rng(0), resamples=300
    )
    # Drawn together, 0 against 1 everywhere would never come up.
    assert interval.low == 0.0
    assert interval.high >= 0.5


def test_a_run_that_is_good_on_all_tasks_makes_it_too_narrow():
    """The warning of the module: seeds in common are what the stratified bootstrap does not see."""
    runs = np.repeat(np.random.default_rng(0).normal(size=(6, 1)), 9, axis=1)
    apart = bootstrap_values(np.mean, runs, rng=np.random.default_rng(1), resamples=400)
    alone = bootstrap_values(np.mean, runs[:, :1], rng=np.random.default_rng(1), resamples=400)
    assert apart.std() < 0.5 * alone.std()


@pytest.mark.parametrize(
    ("scores", "resamples", "message"),
    [
        ([[0.5], [np.nan]], 10, "finite"),
        ([0.5, 0.6], 10, "run, task"),
        ([[0.5]], 0, "needs resamples"),
    ],
)
def test_unfit_input_is_refused(scores, resamples, message):
    with pytest.raises(ResultsError, match=message):
        bootstrap_interval(
            interquartile_mean, scores, rng=np.random.default_rng(0), resamples=resamples
        )
