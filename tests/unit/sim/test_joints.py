"""Degrees and percent against radians."""

import numpy as np

from fedarm.sim.joints import from_radians, to_radians


def test_hand_computed():
    joints = np.array([90.0, -180.0, 0.0, 45.0, 1.0, 50.0])
    expected = [np.pi / 2, -np.pi, 0, np.pi / 4, np.pi / 180, (1.7453292 - 0.174533) / 2]
    np.testing.assert_allclose(to_radians(joints), expected)


def test_the_gripper_is_shut_at_0_and_open_at_100():
    assert to_radians(np.array([0, 0, 0, 0, 0, 0]))[-1] == -0.174533
    assert to_radians(np.array([0, 0, 0, 0, 0, 100]))[-1] == 1.7453292


def test_round_trip_of_many_and_of_float32():
    joints = np.random.default_rng(0).uniform(-90, 90, (4, 3, 6)).astype(np.float32)
    np.testing.assert_allclose(from_radians(to_radians(joints)), joints, atol=1e-5)
