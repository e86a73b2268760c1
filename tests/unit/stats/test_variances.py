"""The error of a planned design, against hand-computed ones and simulated studies."""

import math

import numpy as np
import pytest
from scipy.special import stdtrit

from fedarm.errors import ResultsError
from fedarm.stats.crossed_components import crossed_components
from fedarm.stats.power import (
    Design,
    detectable_difference,
    detectable_ratio,
    fewest_seeds,
    power_within,
)
from fedarm.stats.variances import assumed_variances, observed_variances, projected_error

from .simulation import simulate

ASSUMED = {"success": 0.8, "seed_sd": 0.05, "pair_correlation": 0.3, "tasks": 4}


def test_assumed_variances_by_hand():
    """Of 0.16 a third or so is the initial condition's, 0.0025 the seed's, the rest luck."""
    found = assumed_variances(**ASSUMED)
    assert found.between_seeds == pytest.approx([0.0025, 0.0025])
    assert found.conditions == pytest.approx(np.full((4, 2, 2), 0.048))
    assert found.residual == pytest.approx(np.full((2, 4), 0.16 - 0.048 - 0.0025))


def test_projected_error_by_hand():
    """Two arms; luck over 5 x 4 x 10 episodes; the clipped variance of initial conditions on top."""
    se, df = projected_error(assumed_variances(**ASSUMED), seeds=5, episodes=10)
    luck = 0.1095
    noisy = 2 * luck / (5 * 10)
    clipped = noisy * math.sqrt(2 / 9) / math.sqrt(2 * math.pi) / 4
    of_seeds = 2 * (0.0025 + luck / 40) / 5
    assert se == pytest.approx(math.sqrt(of_seeds + clipped))
    spread = 2 * (of_seeds / 2) ** 2 / 4 + 4 * (noisy / 16) ** 2 / 9
    assert df == pytest.approx((of_seeds + clipped) ** 2 / spread)


def test_a_pilot_shows_the_variances_that_were_put_in():
    rng = np.random.default_rng(0)
    pilots = [
        observed_variances(
            crossed_components(
                *simulate(rng, seeds=8, tasks=4, episodes=40, success=0.6, seed_sd=0.1)
            )
        )
        for _ in range(60)
    ]
    assert np.mean([pilot.between_seeds.mean() for pilot in pilots]) == pytest.approx(0.01, rel=0.1)
    assert np.mean([pilot.success for pilot in pilots]) == pytest.approx(0.6, abs=0.02)
    # Latent 0.3 is a correlation of 0.19 of outcomes at 0.6.
    of_condition = np.mean([pilot.conditions[:, 0, 1].mean() for pilot in pilots])
    assert of_condition == pytest.approx(0.19 * 0.24, rel=0.15)


@pytest.mark.parametrize(
    ("design", "margin", "hopeful"),
    [
        (Design(3, 10), 0.2, 0.1),
        (Design(5, 10), 0.2, 0.02),
        (Design(8, 30), 0.1, 0.02),
        (Design(12, 5), 0.2, 0.02),
    ],
)
def test_projected_power_is_that_of_simulated_studies(design, margin, hopeful):
    # Latent 0.48 is a correlation of 0.3 of outcomes at 0.8.
    rng = np.random.default_rng(3)
    shown, studies = 0, 500
    for _ in range(studies):
        arms = simulate(
            rng,
            seeds=design.seeds,
            tasks=4,
            episodes=design.episodes,
            success=0.8,
            correlation=0.48,
        )
        components = crossed_components(*arms)
        variance, df = components.variance(1 - margin)
        distance = components.means[0] - (1 - margin) * components.means[1]
        shown += distance > stdtrit(df[0], 0.975) * math.sqrt(variance[0])
    projected = power_within(assumed_variances(**ASSUMED), design, margin=margin)
    assert projected - shown / studies == pytest.approx(hopeful, abs=0.06)


def test_known_designs_suffice():
    """Published: at seed SD 5 points and 4 tasks, 5 x 10 for 20 points and 8 x 30 for 10 points."""
    variances = assumed_variances(**ASSUMED)
    assert detectable_difference(variances, Design(5, 10)) < 0.2
    assert detectable_difference(variances, Design(8, 30)) < 0.1
    assert fewest_seeds(variances, episodes=10, margin=0.2) == 5
    # Ten percent of 0.8 are eight points: a ratio of 0.9 takes a seed more than ten points do.
    assert fewest_seeds(variances, episodes=30, margin=0.1) == 9


def test_detectable_ratio_is_shown_with_the_power():
    variances = assumed_variances(**ASSUMED)
    ratio = detectable_ratio(variances, Design(6, 20), power=0.9)
    assert power_within(variances, Design(6, 20), margin=1 - ratio) == pytest.approx(0.9, abs=1e-6)
    better = detectable_ratio(variances, Design(6, 20), true_ratio=1.05, power=0.9)
    assert better > ratio
    rare = assumed_variances(success=0.05, seed_sd=0.05, pair_correlation=0.0, tasks=1)
    assert detectable_ratio(rare, Design(2, 2)) is None


def test_fewest_seeds_are_the_fewest():
    variances = assumed_variances(**ASSUMED)
    seeds = fewest_seeds(variances, episodes=20, margin=0.15, power=0.9)
    assert power_within(variances, Design(seeds, 20), margin=0.15) >= 0.9
    assert power_within(variances, Design(seeds - 1, 20), margin=0.15) < 0.9
    assert fewest_seeds(variances, episodes=20, margin=0.1, true_ratio=0.9) is None


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        ({"success": 1.0}, "success"),
        ({"success": float("nan")}, "success"),
        ({"seed_sd": -0.1}, "seed_sd"),
        ({"seed_sd": 0.4}, "seed_sd"),
        ({"pair_correlation": 1.0}, "pair_correlation"),
        ({"tasks": 0}, "tasks"),
        ({"ratio": 1.3}, "ratio"),
    ],
)
def test_assumptions_out_of_range_are_refused(changes, key):
    with pytest.raises(ResultsError, match=key):
        assumed_variances(**(ASSUMED | changes))


def test_a_design_without_repetition_is_refused():
    with pytest.raises(ResultsError, match="seeds, episodes"):
        projected_error(assumed_variances(**ASSUMED), seeds=1, episodes=10)
