"""Inverse kinematics against the forward kinematics of the model."""

import numpy as np
import pytest

from fedarm.sim.joints import to_radians
from fedarm.sim.kinematics import InverseKinematics
from fedarm.sim.scene import compile_scene
from fedarm.sim.simulation import HOME_DEG


@pytest.fixture(scope="module")
def kinematics():
    return InverseKinematics(compile_scene("pickplace"))


HOME = to_radians(np.array(HOME_DEG))
REACHED = [(x, y, z) for x in (0.18, 0.22, 0.26) for y in (-0.12, 0.0, 0.1) for z in (0.014, 0.07)]


@pytest.mark.parametrize("target", REACHED)
def test_the_tool_gets_where_it_should(kinematics, target):
    angles = kinematics.solve(np.array(target), HOME)
    np.testing.assert_allclose(kinematics.tool(angles), target, atol=5e-4)


def test_it_points_down_where_it_can(kinematics):
    angles = kinematics.solve(np.array([0.22, 0.05, 0.03]), HOME)
    kinematics.tool(angles)
    down = kinematics._data.site_xmat[kinematics._tool].reshape(3, 3)[:, 2]
    np.testing.assert_allclose(down, [0, 0, -1], atol=1e-3)


def test_it_tilts_rather_than_stay_below(kinematics):
    # The wrist cannot bend enough for a tool that points down at 11 cm.
    target = np.array([0.22, 0.0, 0.11])
    angles = kinematics.solve(target, HOME)
    assert np.linalg.norm(kinematics.tool(angles) - target) < 0.005


def test_wrist_roll_and_gripper_stay_and_joints_stay_in_range(kinematics):
    model = compile_scene("pickplace").model
    ids = compile_scene("pickplace").joint_ids
    for target in [(0.5, 0.0, 0.3), (0.05, 0.0, 0.0), (-0.3, 0.0, 0.1)]:
        angles = kinematics.solve(np.array(target), HOME)
        np.testing.assert_array_equal(angles[4:], HOME[4:])
        low, high = model.jnt_range[ids].T
        assert (angles >= low - 1e-9).all()
        assert (angles <= high + 1e-9).all()
