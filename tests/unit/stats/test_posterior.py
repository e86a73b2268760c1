import numpy as np
import pytest
from scipy.stats import beta

from fedarm.errors import ResultsError
from fedarm.stats.letters import compact_letters
from fedarm.stats.posterior import (
    JEFFREYS,
    UNIFORM,
    beta_posterior,
    credibly_differ,
    seed_posterior,
)


@pytest.mark.parametrize(("successes", "trials"), [(0, 10), (3, 7), (81, 263), (20, 20)])
@pytest.mark.parametrize("prior", [JEFFREYS, UNIFORM])
def test_it_is_the_beta_distribution(successes, trials, prior):
    exact = beta(successes + prior[0], trials - successes + prior[1])
    found = beta_posterior(successes, trials, prior=prior)
    assert found.mean == pytest.approx(exact.mean(), abs=2e-6)
    for credibility in (0.5, 0.95):
        interval = found.interval(credibility=credibility)
        expected = exact.interval(credibility)
        assert (interval.low, interval.high) == pytest.approx(expected, abs=1e-4)
    middle = (found.edges[1:] + found.edges[:-1]) / 2
    assert found.density[300:700] == pytest.approx(exact.pdf(middle)[300:700], rel=1e-3, abs=1e-3)
    assert found.mass.sum() == pytest.approx(1.0)


def test_closed_form_without_success():
    """Beta(1, n + 1): its quantile q is 1 - (1 - q)^(1 / (n + 1))."""
    interval = beta_posterior(0, 10, prior=UNIFORM).interval()
    assert interval.high == pytest.approx(1 - 0.025 ** (1 / 11), abs=1e-5)
    assert interval.low == pytest.approx(1 - 0.975 ** (1 / 11), abs=1e-5)


def test_jeffreys_interval_of_brown():
    """Brown, Cai and DasGupta 2001: none of ten, upper limit 0.217."""
    assert beta_posterior(0, 10).interval().high == pytest.approx(0.217, abs=5e-4)


def test_probability_above_in_closed_form():
    """Of Beta(2, 1) and Beta(1, 1): the integral of 2 x times x is 2/3."""
    more, even = beta_posterior(1, 1, prior=UNIFORM), beta_posterior(1, 2, prior=(1e-9, 1e-9))
    flat = beta_posterior(1, 2, prior=UNIFORM)
    assert even.probability_above(even) == pytest.approx(0.5)
    # Beta(1, 1) is what the improper prior makes of one success in two.
    assert more.probability_above(even) == pytest.approx(2 / 3, abs=1e-5)
    assert more.probability_above(flat) + flat.probability_above(more) == pytest.approx(1.0)


def test_seeds_by_brute_force():
    """The double integral over mean and spread, on an even grid of another kind."""
    successes, trials = (2, 5, 4), (6, 6, 6)
    mean = ((np.arange(1500) + 0.5) / 1500)[:, np.newaxis]
    spread = (np.arange(300) + 0.5) / 300
    size = 1 / spread**2 - 1
    weight = beta.pdf(mean, 0.5, 0.5) * np.ones_like(spread)
    for succeeded, tried in zip(successes, trials, strict=True):
        # Beta-binomial as a product of an urn's draws: (a + i) / (a + b + i).
        for index in range(succeeded):
            weight = weight * (mean * size + index) / (size + index)
        for index in range(tried - succeeded):
            weight = weight * ((1 - mean) * size + index) / (size + succeeded + index)
    mass = weight.sum(axis=1) / weight.sum()
    found = seed_posterior(successes, trials)
    assert found.mean == pytest.approx(float((mass * mean[:, 0]).sum()), abs=1e-3)
    low, high = np.interp([0.025, 0.975], np.cumsum(mass), mean[:, 0])
    assert (found.interval().low, found.interval().high) == pytest.approx((low, high), abs=3e-3)


def test_seeds_widen_the_posterior_and_their_spread_does_more():
    pooled = beta_posterior(120, 180).interval().half_width
    alike = seed_posterior([40, 40, 40], [60, 60, 60]).interval().half_width
    apart = seed_posterior([30, 40, 50], [60, 60, 60]).interval().half_width
    assert pooled < alike < apart
    many = seed_posterior([40] * 12, [60] * 12).interval().half_width
    assert many < 1.6 * beta_posterior(480, 720).interval().half_width


def test_one_seed_leaves_nearly_all_open():
    interval = seed_posterior([40], [60]).interval()
    assert interval.low < 0.2
    assert interval.high > 0.9


def test_letters_of_posteriors():
    arms = [beta_posterior(k, 60) for k in (52, 46, 20)]
    differs = credibly_differ(arms)
    assert compact_letters(differs) == ("a", "a", "b")
    assert credibly_differ(arms, credibility=0.5)[0, 1]


@pytest.mark.parametrize(
    ("successes", "trials", "message"),
    [
        ([], [], "every seed"),
        ([1], [2, 3], "every seed"),
        ([3], [2], "successes must lie"),
        ([0], [0], "successes must lie"),
        ([float("nan")], [2], "successes must lie"),
    ],
)
def test_impossible_counts_are_refused(successes, trials, message):
    with pytest.raises(ResultsError, match=message):
        seed_posterior(successes, trials)


def test_impossible_prior_is_refused():
    with pytest.raises(ResultsError, match="prior"):
        beta_posterior(1, 2, prior=(0.0, 1.0))
