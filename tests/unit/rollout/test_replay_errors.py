"""Errors by hand: two looks, three steps, two joints, one action past the end of its episode."""

import numpy as np
import pytest

from fedarm.rollout.replay_errors import absolute_error, error_by_joint, error_by_step

PREDICTED = np.array(
    [[[1, 10], [2, 10], [3, 10]], [[4, 10], [5, 10], [900, 900]]], dtype=np.float32
)
RECORDED = np.array([[[0, 10], [0, 12], [0, 14]], [[0, 16], [0, 18], [0, 0]]], dtype=np.float32)
IS_PAD = np.array([[False, False, False], [False, False, True]])
ERRORS = absolute_error(PREDICTED, RECORDED)
# Of the first joint 1, 2, 3, 4, 5; of the second 0, 2, 4, 6, 8; padding counts nowhere.
JOINTS = ("pan", "grip")


def test_by_joint():
    found = error_by_joint(ERRORS, IS_PAD, JOINTS)
    # Between the fourth and fifth of five values, 0.8 of the way: the 95th percentile.
    assert found == {
        "pan": {"mean": pytest.approx(3), "p95": pytest.approx(4.8)},
        "grip": {"mean": pytest.approx(4), "p95": pytest.approx(7.6)},
    }


def test_by_step():
    found = error_by_step(ERRORS, IS_PAD, JOINTS)
    assert found["actions"] == [2, 2, 1]
    assert found["mean"] == {"pan": [2.5, 3.5, 3], "grip": [3, 5, 4]}
    assert found["p95"]["pan"] == pytest.approx([3.85, 4.85, 3])
    assert found["p95"]["grip"] == pytest.approx([5.7, 7.7, 4])


def test_steps_that_no_episode_reaches_are_left_out():
    is_pad = np.array([[False, True, True], [False, True, True]])
    found = error_by_step(ERRORS, is_pad, JOINTS)
    assert found["actions"] == [2]
    assert found["mean"]["pan"] == [2.5]


def test_the_sign_does_not_count():
    np.testing.assert_array_equal(
        absolute_error(PREDICTED, RECORDED), absolute_error(RECORDED, PREDICTED)
    )
