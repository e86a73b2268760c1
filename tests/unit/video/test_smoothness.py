from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from fedarm.video.smoothness import ldlj, sparc

CASES = Path(__file__).parents[2] / "reference" / "statistics_cases.csv"


def _reach(rate_hz, duration_s=1.0):
    """Speed of a minimum-jerk reach."""
    t = np.arange(0, duration_s, 1 / rate_hz) / duration_s
    return 30 * t**2 - 60 * t**3 + 30 * t**4


def test_the_published_reference_case():
    with CASES.open() as file:
        (case,) = (row for row in csv.DictReader(file) if row["method"] == "sparc;ldlj")
    expected = [float(number) for number in case["expected"].split(";")]

    found = [sparc(_reach(100), 100.0), ldlj(_reach(100), 100.0)]

    assert found == pytest.approx(expected, abs=5e-6)


def test_jerk_tends_to_its_analytic_value():
    """-ln(720 / 1.875^2) of the reach sampled without end."""
    assert ldlj(_reach(5000), 5000.0) == pytest.approx(-np.log(720 / 1.875**2), abs=0.003)


def test_jerk_does_not_depend_on_unit_duration_or_direction():
    reach = _reach(100)
    turned = np.outer(reach, [0.6, -0.8])

    assert ldlj(reach * 37.5, 100.0) == pytest.approx(ldlj(reach, 100.0))
    assert ldlj(_reach(50, duration_s=2.0), 50.0) == pytest.approx(ldlj(reach, 100.0))
    assert ldlj(turned, 100.0) == pytest.approx(ldlj(reach, 100.0))


@pytest.mark.parametrize("velocity", [np.zeros((50, 3)), np.ones(50), np.array([1.0, 2.0, 1.0])])
def test_no_jerk_to_measure(velocity):
    assert ldlj(velocity, 30.0) is None


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
