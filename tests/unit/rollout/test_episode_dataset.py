"""Rollouts become a LeRobot dataset that says what happened, and opens as one."""

import numpy as np
import pytest

from fedarm.rollout.closed_loop import Together, roll_out
from fedarm.rollout.episode_dataset import Take, write_takes
from fedarm.sim.scene import compile_scene
from fedarm.sim.simulation import Simulation

CAMERA = 64
SEED = 11


@pytest.fixture(scope="module")
def scene():
    return compile_scene("pickplace")


def take_of(scene, controller, *, horizon_steps=56):
    take = Take(CAMERA)
    (result,) = roll_out(
        scene,
        [SEED],
        controller=controller,
        horizon_steps=horizon_steps,
        camera_size=CAMERA,
        observers={0: take},
    )
    return take, result


def test_rows_are_the_episode_played_again(scene, expert):
    """From the same start, the actions of the rows lead through the states and pictures of the rows."""
    take, result = take_of(scene, expert(scene, [SEED]))
    rows = list(take.rows("do it"))
    assert result.success
    assert len(rows) == result.steps
    simulation = Simulation(scene)
    simulation.reset(SEED)
    for row in rows:
        np.testing.assert_array_equal(row["observation.state"], simulation.state())
        np.testing.assert_array_equal(row["observation.images.front"], simulation.render(CAMERA))
        simulation.step(row["action"])
    assert simulation.success
    ends = [(row["next.success"].item(), row["next.done"].item()) for row in rows]
    assert ends == [(False, False)] * (len(rows) - 1) + [(True, True)]
    assert sum(row["next.reward"].item() for row in rows) == result.reward_sum


def test_failure_is_done_without_success(scene, expert):
    take, result = take_of(scene, expert(scene, [SEED]), horizon_steps=5)
    rows = list(take.rows("do it"))
    assert not result.success
    assert len(rows) == 5
    assert [row["next.done"].item() for row in rows] == [False] * 4 + [True]
    assert not any(row["next.success"].item() or row["next.reward"].item() for row in rows)


def test_together_tells_all_in_their_order():
    told = []

    class Watcher:
        def __init__(self, name):
            self.name = name

        def on_look(self, simulation, chunk):
            told.append((self.name, "look", chunk))

        def on_frame(self, simulation):
            told.append((self.name, "frame"))

        def on_end(self, simulation, result):
            told.append((self.name, "end", result))

    both = Together((Watcher("a"), Watcher("b")))
    both.on_look(None, 1)
    both.on_frame(None)
    both.on_end(None, 2)
    assert [event[:2] for event in told] == [
        (name, event) for event in ("look", "frame", "end") for name in ("a", "b")
    ]


@pytest.mark.slow
def test_dataset_opens_in_lerobot_with_the_rows_that_were_written(scene, expert, tmp_path):
    takes = [take_of(scene, expert(scene, [SEED]), horizon_steps=steps)[0] for steps in (56, 5)]
    write_takes(tmp_path / "dataset", takes, task=scene.task, camera_size=CAMERA)
    from lerobot.datasets.lerobot_dataset import LeRobotDataset

    dataset = LeRobotDataset(
        "fedarm/rollouts_pickplace", root=tmp_path / "dataset", video_backend="pyav"
    )
    rows = [row for take in takes for row in take.rows(scene.task.instruction)]
    assert dataset.num_episodes == 2
    assert len(dataset) == len(rows)
    for index in (0, len(rows) - 6, len(rows) - 1):
        item, row = dataset[index], rows[index]
        np.testing.assert_array_equal(item["observation.state"].numpy(), row["observation.state"])
        np.testing.assert_array_equal(item["action"].numpy(), row["action"])
        assert bool(item["next.success"]) == row["next.success"].item()
        assert item["task"] == scene.task.instruction
        picture = 255 * item["observation.images.front"].permute(1, 2, 0).numpy()
        assert np.abs(picture - row["observation.images.front"]).mean() < 8
