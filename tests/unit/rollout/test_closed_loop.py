"""The loop looks when it should, ends when it should, and treats each episode by itself."""

from dataclasses import replace

import numpy as np
import pytest

from fedarm.data.decoding import resize_frame
from fedarm.policies.normalization import predict_chunk
from fedarm.rollout.closed_loop import SLOTS, Controller, roll_out
from fedarm.sim.scene import compile_scene
from fedarm.sim.simulation import Simulation

HORIZON = 16


@pytest.fixture(scope="module")
def scene():
    return compile_scene("pickplace")


def hold_still(images, states):
    return np.repeat(states[:, None], 16, axis=1)


class Looks:
    """A controller's `predict` that remembers what it saw."""

    def __init__(self):
        self.seen = []

    def __call__(self, images, states):
        self.seen.append((images.copy(), states.copy()))
        return hold_still(images, states)


def test_policy_looks_once_in_n_action_steps(scene):
    looks = Looks()
    controller = Controller(looks, 64, 6)
    results = roll_out(scene, [5], controller=controller, horizon_steps=20, camera_size=64)
    assert len(looks.seen) == 4
    assert results[0].steps == 20
    assert not results[0].success
    assert results[0].reward_sum == 0.0


def test_policy_sees_the_scene_and_the_joints_of_each_episode(scene):
    looks = Looks()
    roll_out(scene, [5, 6], controller=Controller(looks, 64, 8), horizon_steps=8, camera_size=96)
    images, states = looks.seen[0]
    assert images.shape == (SLOTS, 64, 64, 3)
    for slot, seed in enumerate([5, 6]):
        simulation = Simulation(scene)
        simulation.reset(seed)
        assert np.array_equal(images[slot], resize_frame(simulation.render(96), 64))
        assert np.array_equal(states[slot], simulation.state())
    assert not images[2:].any()


def test_expert_succeeds_and_its_episodes_end_at_once(scene, expert):
    seeds = [11, 12]
    results = roll_out(
        scene, seeds, controller=expert(scene, seeds), horizon_steps=56, camera_size=64
    )
    for result, seed in zip(results, seeds, strict=True):
        assert result.success
        assert result.seed == seed
        assert 15 < result.steps < 50
        assert result.reward_sum == 1.0
        assert result.distances["object_goal_distance_m"] < 0.03
        placement = Simulation(scene).reset(seed)
        assert result.start["object_start_x_m"] == placement.object_xy_m[0]
        assert result.start["goal_start_y_m"] == placement.goals_xy_m[placement.goal][1]


def test_successful_episode_is_not_looked_at_any_more(scene, expert):
    """One of two episodes never ends; its neighbour's slot is empty after the success."""
    controller = expert(scene, [11, 12])
    seen = []

    def predict(images, states):
        seen.append(images.any(axis=(1, 2, 3))[:2].tolist())
        chunk = controller.predict(images, states)
        chunk[1] = states[1]
        return chunk

    results = roll_out(
        scene,
        [11, 12],
        controller=replace(controller, predict=predict),
        horizon_steps=56,
        camera_size=64,
    )
    assert [result.success for result in results] == [True, False]
    looks = -(-results[0].steps // controller.n_action_steps)
    assert seen == [[True, True]] * looks + [[False, True]] * (7 - looks)


def test_episode_does_not_depend_on_how_many_others_run(scene, policy, statistics):
    """With a real network, whose products round otherwise in batches of another size."""

    def predict(images, states):
        return predict_chunk(policy, statistics, images, states)

    controller = Controller(predict, 64, 8)
    seeds = list(range(SLOTS + 2))
    many = roll_out(scene, seeds, controller=controller, horizon_steps=HORIZON, camera_size=64)
    few = roll_out(scene, seeds[:3], controller=controller, horizon_steps=HORIZON, camera_size=64)
    assert many[:3] == few


def test_episodes_in_shares_go_as_all_at_once(scene, policy, statistics):
    """Each keeps its slot, although the others before it are over."""

    def predict(images, states):
        return predict_chunk(policy, statistics, images, states)

    options = {"controller": Controller(predict, 64, 8), "horizon_steps": 8, "camera_size": 64}
    seeds = list(range(SLOTS + 2))
    shares = [
        result
        for first, stop in ((0, 4), (4, 8), (8, 12))
        for result in roll_out(scene, seeds[first:stop], **options, first=first)
    ]
    assert shares == roll_out(scene, seeds, **options)


class Watcher:
    """An observer that counts, and renders as a film does."""

    def __init__(self):
        self.frames = self.looks = 0
        self.result = None

    def on_look(self, simulation, chunk):
        self.looks += 1

    def on_frame(self, simulation):
        self.frames += 1
        simulation.render(96)

    def on_end(self, simulation, result):
        self.result = result


def test_filmed_episode_goes_as_the_unfilmed_one(scene):
    """A chaotic controller would tell any difference in the state."""

    def predict(images, states):
        pixels = images.astype(np.float32).mean(axis=(1, 2, 3))
        swing = 40 * np.sin(50 * (states + pixels[:, None]))
        return (hold_still(images, states) + swing[:, None]).astype(np.float32)

    controller = Controller(predict, 64, 2)
    watcher = Watcher()
    options = {"controller": controller, "horizon_steps": HORIZON, "camera_size": 64}
    filmed = roll_out(scene, [3, 4], **options, observers={1: watcher})
    assert filmed == roll_out(scene, [3, 4], **options)
    assert watcher.frames == 3 * HORIZON
    assert watcher.looks == HORIZON / 2
    assert watcher.result == filmed[1]
