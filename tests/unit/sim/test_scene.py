"""The camera's geometry and the arm's, against pictures and physics."""

import numpy as np
import pytest

from fedarm.sim.camera import camera_pose
from fedarm.sim.looks import CameraShift
from fedarm.sim.scene import CUBE_SIDE_M, OBJECT, compile_scene, goal_name
from fedarm.sim.simulation import HOME_DEG, Simulation
from fedarm.sim.tasks import TASKS, VARIANTS

SIZE = 224


def centre_of(picture, rgb):
    """Return the middle (column, row) of all that has a colour, whatever the light on it."""
    pixels = picture.astype(float)
    norms = np.linalg.norm(pixels, axis=2)
    cosine = pixels @ rgb / np.maximum(norms, 1) / np.linalg.norm(rgb)
    # A white goal and a grey arm have the same hue: only the goal is bright.
    bright = norms > (400 if rgb.min() > 0.9 else 60)
    rows, columns = np.nonzero((cosine > 0.985) & bright)
    assert len(rows) > 30
    return np.array([columns.mean(), rows.mean()])


@pytest.mark.parametrize(
    ("task", "variant"),
    [("pickplace", "standard"), ("pickplace", "moved_camera"), ("so101_pickplace", "standard")],
)
def test_points_are_projected_to_where_they_are_drawn(task, variant):
    scene = compile_scene(task, variant)
    simulation = Simulation(scene)
    for seed in range(3):
        placement = simulation.reset(seed)
        picture = simulation.render(SIZE)
        points = np.array(
            [[*placement.object_xy_m, CUBE_SIDE_M / 2], [*placement.goals_xy_m[0], 0.001]]
        )
        projected = scene.project(points, SIZE)
        for colour, point in zip(
            (scene.task.objects[0], scene.task.goals[0]), projected, strict=True
        ):
            assert np.linalg.norm(centre_of(picture, np.array(colour.rgb)) - point) < 1.5


def test_projection_scales_with_the_picture():
    scene = compile_scene("pickplace")
    points = np.array([[0.2, 0.05, 0.0], [0.25, -0.1, 0.1]])
    large, small = scene.project(points, 480), scene.project(points, 240)
    np.testing.assert_allclose(large + 0.5, 2 * (small + 0.5))


def test_what_the_camera_looks_at_is_in_the_middle_and_left_is_right():
    pose = camera_pose(CameraShift())
    middle = pose.position - 0.3 * pose.axes[2]
    np.testing.assert_allclose(pose.project(middle[None], 64), [[31.5, 31.5]], atol=1e-9)
    # The camera faces the arm: what lies to the arm's left (y > 0) is in the right half.
    assert pose.project(np.array([[0.2, 0.1, 0.0]]), 64)[0, 0] > 32


def test_the_moved_camera_is_3_cm_and_4_degrees_away():
    usual, moved = (
        compile_scene("pickplace").camera,
        compile_scene("pickplace", "moved_camera").camera,
    )
    assert np.linalg.norm(moved.position - usual.position) == pytest.approx(0.03)
    turn = moved.axes @ usual.axes.T
    angle_deg = np.degrees(np.arccos((np.trace(turn) - 1) / 2))
    assert angle_deg == pytest.approx(4.0, abs=0.1)
    np.testing.assert_allclose(moved.axes @ moved.axes.T, np.eye(3), atol=1e-12)


def test_tool_positions_are_where_physics_has_the_tool():
    scene = compile_scene("pickplace")
    simulation = Simulation(scene)
    simulation.reset(0)
    for _ in range(10):
        simulation.step(np.array([20.0, -10.0, 20.0, 80.0, 10.0, 60.0]))
    simulation.render(64)
    tool = simulation._data.site("gripperframe").xpos
    (position,) = scene.tool_positions(simulation.state()[None])
    np.testing.assert_allclose(position, tool, atol=1e-4)


def test_the_home_tool_is_above_the_table_and_points_of_the_pan_lie_on_a_circle():
    scene = compile_scene("pickplace")
    poses = np.tile(HOME_DEG, (5, 1))
    poses[:, 0] = [-60, -30, 0, 30, 60]
    tools = scene.tool_positions(poses)
    assert 0.05 < tools[2, 2] < 0.10
    np.testing.assert_allclose(tools[:, 2], tools[2, 2], atol=1e-9)
    # The pan's axis stands at x = 0.0388 m; positive angles turn to the arm's right.
    radii = np.hypot(tools[:, 0] - 0.0388353, tools[:, 1])
    np.testing.assert_allclose(radii, radii[2], atol=1e-6)


def test_one_scene_a_process():
    assert compile_scene("pickplace", "standard") is compile_scene("pickplace", "standard")
    assert compile_scene("pickplace") is not compile_scene("stacking")


@pytest.mark.parametrize(
    ("name", "variant"),
    [(task, "standard") for task in TASKS] + [("pickplace", name) for name in VARIANTS],
)
def test_the_goal_is_seen_in_its_colour(name, variant):
    scene = compile_scene(name, variant)
    simulation = Simulation(scene)
    placement = simulation.reset(1)
    picture = simulation.render(64).astype(int)
    expected = np.array(scene.task.goals[placement.goal].rgb)
    (point,) = scene.project(np.array([[*placement.goals_xy_m[placement.goal], 0.015]]), 64)
    column, row = np.round(point).astype(int)
    seen = picture[row, column] / 255
    # Light and shade change the level, hardly the hue.
    assert seen @ expected / np.linalg.norm(seen) / np.linalg.norm(expected) > 0.97


def test_only_the_arm_does_not_touch_itself():
    model = compile_scene("stacking").model
    floor, cube = model.geom("table"), model.geom(OBJECT)
    jaw = model.geom("fixed_jaw_box4")
    other = model.geom("moving_jaw_box2")
    goal = model.geom(goal_name(0))

    def touch(a, b):
        return bool((a.contype[0] & b.conaffinity[0]) | (b.contype[0] & a.conaffinity[0]))

    assert touch(floor, cube)
    assert touch(jaw, cube)
    assert touch(jaw, floor)
    assert touch(goal, cube)
    assert not touch(jaw, other)
