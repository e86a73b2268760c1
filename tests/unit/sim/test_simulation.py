"""Episodes: determinism, units, and what counts as success."""

import numpy as np
import pytest

from fedarm.sim.expert import joint_targets
from fedarm.sim.scene import CUBE_SIDE_M, OBJECT, compile_scene, goal_name
from fedarm.sim.simulation import FRAMES_A_STEP, HOME_DEG, LIFTED_M, Simulation

REST_M = CUBE_SIDE_M / 2
OPEN, SHUT = 50.0, 5.0
SEED = 3


def arm_away(gripper):
    return np.array([*HOME_DEG[:5], gripper], np.float32)


def start(task="pickplace"):
    """Return a simulation with the arm at rest, away from everything, and the gripper open."""
    simulation = Simulation(compile_scene(task))
    simulation.reset(SEED)
    settle(simulation, OPEN)
    return simulation


def settle(simulation, gripper, steps=5):
    for _ in range(steps):
        simulation.step(arm_away(gripper))


def put(simulation, xyz, *, speed_m_per_s=(0, 0, 0)):
    joint = simulation._data.joint(OBJECT)
    joint.qpos[:] = [*xyz, 1, 0, 0, 0]
    joint.qvel[:] = [*speed_m_per_s, 0, 0, 0]


def lift(simulation):
    """Let the object fall, beside everything, so that after a step, 5 cm lower, it is still lifted."""
    put(simulation, (0.1, -0.25, REST_M + LIFTED_M + 0.06))
    settle(simulation, OPEN, steps=1)


def goal(simulation, height_m=REST_M):
    return np.array([*simulation.placement.goals_xy_m[simulation.placement.goal], height_m])


def step_with(simulation, gripper=OPEN):
    return simulation.step(arm_away(gripper)).success


def test_lifted_placed_at_rest_and_let_go_is_success():
    simulation = start()
    lift(simulation)
    put(simulation, goal(simulation))
    outcome = simulation.step(arm_away(OPEN))
    assert outcome.success
    assert outcome.reward == 1.0
    assert simulation.distances()["object_goal_distance_m"] < 0.001
    assert simulation.distances()["object_lift_m"] > LIFTED_M


def test_without_having_been_lifted_it_is_none():
    simulation = start()
    put(simulation, goal(simulation))
    assert not step_with(simulation)
    assert simulation.distances()["object_lift_m"] < 0.001


def test_with_the_gripper_shut_it_is_none():
    simulation = start()
    lift(simulation)
    settle(simulation, SHUT)
    put(simulation, goal(simulation))
    assert not step_with(simulation, SHUT)
    settle(simulation, OPEN)
    assert simulation.success


@pytest.mark.parametrize(("offset_m", "expected"), [(0.029, True), (0.031, False)])
def test_on_the_disc_is_within_3_cm(offset_m, expected):
    simulation = start()
    lift(simulation)
    put(simulation, np.add(goal(simulation), [0, offset_m, 0]))
    assert step_with(simulation) is expected


def test_while_it_moves_it_is_none():
    simulation = start()
    lift(simulation)
    # Thrown so high that it still falls after the step.
    put(simulation, goal(simulation), speed_m_per_s=(0, 0, 1.0))
    assert not step_with(simulation)


def test_success_stays():
    simulation = start()
    lift(simulation)
    put(simulation, goal(simulation))
    assert step_with(simulation)
    put(simulation, np.add(goal(simulation), [0, -0.1, 0]))
    assert step_with(simulation)
    assert simulation.distances()["object_goal_distance_m"] == pytest.approx(0.1, abs=0.005)
    simulation.reset(SEED)
    assert not simulation.success


@pytest.mark.parametrize(
    ("offset_m", "expected"),
    [((0, 0, 0), True), ((0.012, 0, 0), True), ((0, 0.017, 0), False), ((0, 0.06, -0.03), False)],
)
def test_stacked_is_within_15_mm_and_on_top(offset_m, expected):
    simulation = start("stacking")
    lift(simulation)
    put(simulation, np.add(goal(simulation, REST_M + CUBE_SIDE_M), offset_m))
    position = simulation._data.joint(goal_name(0)).qpos
    # Both turned alike, so that the upper one stands flat also when it stands off the middle.
    simulation._data.joint(OBJECT).qpos[3:] = position[3:]
    assert step_with(simulation) is expected


def test_sorting_wants_the_disc_of_the_objects_colour():
    simulation = start("sorting")
    lift(simulation)
    other = simulation.placement.goals_xy_m[1 - simulation.placement.goal]
    put(simulation, (*other, REST_M))
    assert not step_with(simulation)
    put(simulation, goal(simulation))
    assert step_with(simulation)


def run(simulation, seed, *, look=False):
    """Let the expert's plan run, and return all joints and object positions."""
    placement = simulation.reset(seed)
    rows = []
    for action, _ in joint_targets(simulation.scene, placement):
        if look:
            simulation.render(64)
        simulation.step(action, on_frame=(lambda now: now.render(32)) if look else None)
        rows.append([*simulation.state(), *simulation.object_position()])
    return np.array(rows)


def test_same_seed_and_actions_same_bytes_whoever_looks():
    scene = compile_scene("pickplace")
    first = run(Simulation(scene), 5)
    used = Simulation(scene)
    run(used, 6)
    np.testing.assert_array_equal(run(used, 5, look=True), first)


def test_simulations_of_one_scene_do_not_disturb_each_other():
    scene = compile_scene("sorting")
    alone = Simulation(scene)
    alone.reset(0)
    expected = alone.render(64)
    other, again = Simulation(scene), Simulation(scene)
    # Seeds of both colours: the colour belongs to the episode, though the model is shared.
    assert {other.reset(seed).goal for seed in range(4)} == {0, 1}
    for seed in range(4):
        other.reset(seed)
        other.render(64)
        again.reset(0)
        np.testing.assert_array_equal(again.render(64), expected)


def test_the_state_is_in_degrees_and_percent():
    simulation = start()
    settle(simulation, 80.0)
    state = simulation.state()
    assert state.dtype == np.float32
    # The servos' friction leaves a fraction of a degree.
    np.testing.assert_allclose(state, [*HOME_DEG[:5], 80.0], atol=1.0)


def test_targets_beyond_the_range_mean_its_end():
    simulation = start()
    for _ in range(20):
        simulation.step(np.array([500.0, *HOME_DEG[1:]]))
    assert simulation.state()[0] == pytest.approx(110.0, abs=1.0)


def test_three_frames_a_step_at_even_times():
    simulation = start()
    times = []
    before = simulation._data.time
    simulation.step(arm_away(OPEN), on_frame=lambda now: times.append(now._data.time - before))
    assert len(times) == FRAMES_A_STEP == 3
    np.testing.assert_allclose(times, [1 / 30, 2 / 30, 3 / 30], atol=0.0025)


def test_what_the_last_frame_should_show():
    simulation = Simulation(compile_scene("sorting"))
    for seed in range(6):
        goal_index = simulation.reset(seed).goal
        check = simulation.final_frame_check()
        task = simulation.scene.task
        assert check["object_rgb"] == [round(255 * x) for x in task.objects[goal_index].rgb]
        assert check["goal_rgb"] == check["object_rgb"]
        assert check["relation"] == "on_disc"
        assert check["tolerance"] == pytest.approx(0.75)


def test_using_it_before_a_reset_is_an_error():
    with pytest.raises(RuntimeError, match="reset"):
        Simulation(compile_scene("pickplace")).render(64)
