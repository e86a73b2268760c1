"""The gymnasium environments."""

import warnings

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

import fedarm.sim
from fedarm.errors import ConfigError
from fedarm.sim.environment import SO101Env
from fedarm.sim.expert import joint_targets
from fedarm.sim.tasks import TASKS

IDS = [task.env_id for task in TASKS.values()]


def test_all_four_are_registered():
    assert fedarm.sim.TASKS is TASKS
    assert set(IDS) <= set(gymnasium.registry)
    assert IDS == [
        "fedarm/SO101-PickPlace-v0",
        "fedarm/SO101-Stacking-v0",
        "fedarm/SO101-Sorting-v0",
        "fedarm/SO101-PickPlaceMirrored-v0",
    ]


@pytest.mark.parametrize("env_id", IDS)
def test_gymnasiums_own_checks_pass(env_id):
    env = gymnasium.make(env_id)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        # Joint targets in degrees are what a LeRobot policy gives.
        warnings.filterwarnings("ignore", message=".*symmetric and normalized space.*")
        check_env(env.unwrapped)


def test_observations_have_lerobots_form():
    env = gymnasium.make(IDS[0], image_size=48, render_size=96)
    observation, info = env.reset(seed=0)
    assert observation["pixels"]["front"].shape == (48, 48, 3)
    assert observation["pixels"]["front"].dtype == np.uint8
    assert observation["agent_pos"].shape == (6,)
    assert observation["agent_pos"].dtype == np.float32
    assert info["is_success"] is False
    assert env.render().shape == (96, 96, 3)
    assert env.unwrapped.task_description == TASKS["pickplace"].instruction
    assert env.unwrapped.metadata["render_fps"] == 10


def test_the_seed_alone_decides_and_no_seed_goes_on():
    env, other = gymnasium.make(IDS[0]), gymnasium.make(IDS[0])
    first = env.reset(seed=7)[0]["pixels"]["front"]
    env.step(env.action_space.sample())
    np.testing.assert_array_equal(env.reset(seed=7)[0]["pixels"]["front"], first)
    np.testing.assert_array_equal(other.reset(seed=7)[0]["pixels"]["front"], first)
    following = env.reset()[0]["pixels"]["front"]
    assert (following != first).any()
    np.testing.assert_array_equal(other.reset()[0]["pixels"]["front"], following)


def test_success_ends_the_episode_with_reward_1():
    env = gymnasium.make(IDS[0])
    env.reset(seed=1)
    simulation = env.unwrapped.simulation
    rewards = []
    for action, _ in joint_targets(simulation.scene, simulation.placement):
        _, reward, terminated, truncated, info = env.step(action)
        rewards.append(reward)
        assert not truncated
        assert info["is_success"] is terminated
        if terminated:
            break
    assert terminated
    assert rewards == [0.0] * (len(rewards) - 1) + [1.0]


def test_an_episode_is_cut_off_at_its_horizon():
    env = gymnasium.make(IDS[0]).unwrapped
    short = gymnasium.make(IDS[0], max_episode_steps=3)
    assert env._max_episode_steps == TASKS["pickplace"].horizon_steps
    assert short._max_episode_steps == 3
    short.reset(seed=0)
    cut = [short.step(short.action_space.sample())[3] for _ in range(3)]
    assert cut == [False, False, True]


def test_a_vector_of_them_runs_as_lerobots_evaluation_wants_it():
    envs = gymnasium.make_vec(IDS[1], num_envs=2, vectorization_mode="sync")
    observation, _ = envs.reset(seed=[3, 4])
    assert observation["pixels"]["front"].shape == (2, 64, 64, 3)
    assert envs.call("task_description") == (TASKS["stacking"].instruction,) * 2
    assert envs.call("_max_episode_steps") == (TASKS["stacking"].horizon_steps,) * 2
    *_, info = envs.step(envs.action_space.sample())
    assert info["is_success"].tolist() == [False, False]
    envs.close()


def test_wrong_arguments():
    with pytest.raises(ConfigError, match="did you mean 'new_look'"):
        gymnasium.make(IDS[0], variant="new_lok")
    with pytest.raises(ConfigError, match="unknown render mode"):
        SO101Env("sorting", render_mode="human")
