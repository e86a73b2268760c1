from __future__ import annotations

import numpy as np
import pytest

from fedarm.video.smoothness import sparc


def _reach(rate_hz, duration_s=1.0):
    """Speed of a minimum-jerk reach."""
    t = np.arange(0, duration_s, 1 / rate_hz) / duration_s
    return 30 * t**2 - 60 * t**3 + 30 * t**4


def test_the_published_reference_case():
    assert sparc(_reach(100), 100.0) == pytest.approx(-1.40583, abs=5e-6)


def test_the_unit_of_speed_does_not_matter():
    assert sparc(_reach(100) * 37.5, 100.0) == pytest.approx(sparc(_reach(100), 100.0))


def test_the_sampling_rate_hardly_matters():
    assert sparc(_reach(10), 10.0) == pytest.approx(sparc(_reach(100), 100.0), abs=0.02)


def test_each_submovement_makes_it_less_smooth():
    values = [sparc(np.tile(_reach(100), count), 100.0) for count in (1, 2, 3)]

    assert values[0] > values[1] > values[2]


def test_noise_moves_it_little():
    noisy = _reach(100) + np.random.default_rng(0).normal(0, 0.1 * _reach(100).max(), 100)

    assert sparc(noisy, 100.0) == pytest.approx(-1.406, abs=0.6)


@pytest.mark.parametrize("speed", [np.zeros(50), np.array([]), np.array([1.0, 2.0, 1.0])])
def test_nothing_to_measure(speed):
    assert sparc(speed, 30.0) is None
