import math

import numpy as np
import pytest
from scipy.stats import norm
from scipy.stats import t as student

from fedarm.stats.crossed import crossed_t_difference
from fedarm.stats.crossed_components import crossed_components
from fedarm.stats.interval import Interval
from fedarm.stats.power import (
    Design,
    designs_for,
    detectable,
    detectable_difference,
    detectable_from_interval,
    power_within,
)
from fedarm.stats.variances import observed_variances

from .simulation import simulate


def test_detectable_with_known_variance():
    """The textbook (1.96 + 0.84) standard errors."""
    assert detectable(0.1) == pytest.approx(0.1 * (norm.ppf(0.975) + norm.ppf(0.8)), rel=1e-6)
    assert detectable(0.0, 3.0) == 0.0
    z = norm.ppf(0.975)
    assert detectable_from_interval(Interval(-z, z)) == pytest.approx(2.8016, abs=1e-4)
    # A look of a sequential plan has a wider interval of the same design.
    wide = 4.56
    confidence = 2 * norm.cdf(wide) - 1
    found = detectable_from_interval(Interval(-wide, wide), confidence=confidence)
    assert found == pytest.approx(2.8016, abs=1e-4)


@pytest.mark.parametrize("df", [2.0, 7.2, 40.0])
def test_detectable_is_found_in_80_percent(df):
    rng = np.random.default_rng(0)
    effect = detectable(1.0, df)
    estimates = rng.normal(effect, 1.0, 200_000)
    ses = np.sqrt(rng.chisquare(df, 200_000) / df)
    found = estimates / ses > student.ppf(0.975, df)
    assert found.mean() == pytest.approx(0.8, abs=0.005)


def test_fewer_degrees_of_freedom_detect_less():
    effects = [detectable(1.0, df) for df in (1.0, 2.0, 5.0, 30.0, 1e6)]
    assert effects == sorted(effects, reverse=True)


def test_projection_onto_the_same_design_is_the_observed_one():
    rng = np.random.default_rng(1)
    arms = simulate(rng, seeds=6, tasks=3, episodes=25, success=0.7, seed_sd=0.1, correlation=0.6)
    found = crossed_t_difference(*arms)
    projected = detectable_difference(observed(arms), Design(6, 25))
    # A task whose own variance is clipped to zero enters the degrees of freedom a little differently.
    assert projected == pytest.approx(detectable(found.se, found.df), rel=1e-3)


def test_seeds_buy_more_than_episodes():
    variances = observed(
        simulate(np.random.default_rng(2), seeds=8, tasks=4, episodes=30, success=0.8)
    )
    base = detectable_difference(variances, Design(4, 20))
    seeds = detectable_difference(variances, Design(8, 20))
    episodes = detectable_difference(variances, Design(4, 40))
    assert seeds < episodes < base


def test_designs_are_the_fewest_seeds_that_suffice():
    variances = observed(
        simulate(np.random.default_rng(3), seeds=4, tasks=4, episodes=10, success=0.8)
    )
    designs = designs_for(variances, episodes=10, margin=0.1)
    assert [design.episodes for design in designs] == sorted({d.episodes for d in designs})
    assert designs[0].episodes == 10
    for design in designs:
        assert power_within(variances, design, margin=0.1) >= 0.8
        if design.seeds > 2:
            fewer = Design(design.seeds - 1, design.episodes)
            assert power_within(variances, fewer, margin=0.1) < 0.8
    seeds = [design.seeds for design in designs]
    assert seeds == sorted(set(seeds), reverse=True)


def test_out_of_reach_has_no_design():
    variances = observed(
        simulate(np.random.default_rng(4), seeds=3, tasks=1, episodes=5, success=0.5)
    )
    assert designs_for(variances, episodes=5, margin=1e-4) == ()
    assert not math.isnan(detectable_difference(variances, Design(2, 2)))


def observed(arms):
    return observed_variances(crossed_components(*arms))
