"""The plan is drawn where the camera would see it, and tells executed from predicted."""

import numpy as np
import pytest

from fedarm.rollout.layers import blend
from fedarm.rollout.overlay import (
    FULL_BAR_PERCENT,
    POINTS_A_STEP,
    densify,
    dot_layers,
    gripper_layer,
    path_layer,
    plan_path,
)

SIZE = 240
STEPS = 16


def straight_path(executed=8):
    """Return a path from left to right at y = 100: 10 px a control step from x = 40."""
    x = 40 + 10 * np.arange(STEPS * POINTS_A_STEP + 1) / POINTS_A_STEP
    return plan_path(np.stack([x, np.full_like(x, 100)], axis=1), executed=executed, size=SIZE)


def alpha_of(layer):
    """Return a layer's alpha over the whole frame, `(height, width)`."""
    white = blend(
        np.zeros((SIZE, SIZE, 3), np.uint8),
        [
            layer.__class__(
                layer.top, layer.left, layer.alpha * np.full(3, 255, np.float32), layer.alpha
            )
        ],
    )
    return white[..., 0] / 255


def test_densify_keeps_the_targets_and_joins_them_by_straight_lines():
    joints = np.array([[0.0, 10.0], [4.0, 10.0], [4.0, 2.0]])
    fine = densify(joints)
    assert fine.shape == (2 * POINTS_A_STEP + 1, 2)
    np.testing.assert_allclose(fine[::POINTS_A_STEP], joints)
    np.testing.assert_allclose(fine[1], [1.0, 10.0])
    np.testing.assert_allclose(fine[-2], [4.0, 4.0])


def test_pixels_know_their_distance_and_nearest_step():
    path = straight_path()
    row, column = 100 + 2 - path.top, 75 - path.left
    assert path.distance_px[row, column] == pytest.approx(2.0, abs=1e-4)
    assert path.nearest[row, column] == pytest.approx(3.5, abs=1e-4)


def test_path_lies_on_the_projected_points():
    alpha = alpha_of(path_layer(straight_path(), step=0, size=SIZE))
    rows, columns = np.nonzero(alpha > 0.4)
    assert rows.min() >= 97
    assert rows.max() <= 103
    assert columns.min() >= 37
    assert columns.max() <= 202
    assert alpha[100, 45:195].min() > 0.4


def test_executed_part_is_wider_than_the_rest():
    alpha = alpha_of(path_layer(straight_path(executed=8), step=0, size=SIZE))
    executed, predicted = alpha[:, 80], alpha[:, 160]
    assert (executed > 0.3).sum() > (predicted > 0.3).sum()


def test_path_fades_along_the_horizon_and_behind():
    alpha = alpha_of(path_layer(straight_path(executed=16), step=4, size=SIZE))
    behind, near, far = alpha[100, 60], alpha[100, 90], alpha[100, 190]
    assert near > far > behind > 0


def test_way_there_is_shown_over_the_same_way_back():
    there = 40 + 10 * np.arange(8 * POINTS_A_STEP + 1) / POINTS_A_STEP
    x = np.concatenate([there, there[-2::-1]])
    path = plan_path(np.stack([x, np.full_like(x, 100)], axis=1), executed=8, size=SIZE)
    assert path.nearest[100 - path.top, 45 - path.left : 115 - path.left].max() < 8


def test_path_outside_the_frame_is_cut_off():
    points = np.stack([np.linspace(-80, 300, 17), np.linspace(-50, 400, 17)], axis=1)
    path = plan_path(points, executed=2, size=SIZE)
    frame = np.zeros((SIZE, SIZE, 3), np.uint8)
    assert blend(frame, [path_layer(path, step=1, size=SIZE)]).any()


def test_path_wholly_outside_the_frame_draws_nothing():
    path = plan_path(np.full((5, 2), -500.0), executed=1, size=SIZE)
    frame = np.zeros((SIZE, SIZE, 3), np.uint8)
    assert not blend(frame, [path_layer(path, step=0, size=SIZE)]).any()


@pytest.mark.parametrize("step", [0, 2.5, 16])
def test_dot_is_where_the_tool_should_be(step):
    alpha = alpha_of(*dot_layers(straight_path(), steps=[step], size=SIZE))
    rows, columns = np.nonzero(alpha > 0.95)
    assert rows.mean() == pytest.approx(100, abs=0.01)
    assert columns.mean() == pytest.approx(40 + 10 * step, abs=0.5)


def test_gripper_bars_are_as_high_as_the_gripper_is_open():
    gripper = np.array([0.0, FULL_BAR_PERCENT / 2, FULL_BAR_PERCENT, 250.0])
    layer = gripper_layer(gripper, executed=4, step=9, size=SIZE)
    height, width = layer.alpha.shape[:2]
    pitch = (width + 1) // 4
    filled = [(layer.alpha[:, index * pitch, 0] > 0.3).sum() / height for index in range(4)]
    assert filled[0] == pytest.approx(1 / height)
    assert filled[1:] == pytest.approx([0.5, 1.0, 1.0], abs=0.05)


def test_bar_of_the_action_under_way_is_white():
    layer = gripper_layer(np.full(4, 100.0), executed=4, step=2, size=SIZE)
    pitch = (layer.alpha.shape[1] + 1) // 4
    assert layer.colour[-1, 2 * pitch].tolist() == [255, 255, 255]
    assert layer.colour[-1, 3 * pitch].tolist() != [255, 255, 255]
