"""A film shows the scene, the plan and the outcome, and ends with the bare scene."""

import av
import numpy as np
import pytest

from fedarm.rollout.closed_loop import Controller, roll_out
from fedarm.rollout.film import Film, Title, film_record
from fedarm.rollout.layers import blend
from fedarm.rollout.recording import VIDEO_FPS, open_video
from fedarm.sim.scene import compile_scene
from fedarm.sim.simulation import Simulation

SIZE = 224
SEED = 11
TITLE = Title(run="fedprox", round=15, seed=0, dataset="pickplace")


@pytest.fixture(scope="module")
def scene():
    return compile_scene("pickplace")


def record_film(scene, controller, file, *, horizon_steps=56):
    with open_video(file, size=SIZE) as writer:
        film = Film(writer, scene, title=TITLE, size=SIZE, n_action_steps=8)
        (result,) = roll_out(
            scene,
            [SEED],
            controller=controller,
            horizon_steps=horizon_steps,
            camera_size=64,
            observers={0: film},
        )
    with av.open(str(file)) as container:
        frames = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    return film, result, frames


def test_film_of_a_success(scene, expert, tmp_path):
    film, result, frames = record_film(scene, expert(scene, [SEED]), tmp_path / "film.mp4")
    assert result.success
    # The episode, 0.8 s of what comes of it, and half a second of the bare scene.
    assert len(frames) == film.writer.frames == 3 * result.steps + 24 + 15
    bottom = np.s_[190:, 120:]
    green = frames[-20][bottom].astype(int)
    assert ((green[..., 1] - green[..., 0]) > 20).sum() > 100, "the word success is green"
    assert frames[-1][bottom].mean() > frames[-20][bottom].mean() + 20, "no scrim at the end"


def test_film_of_a_failure_ends_at_the_horizon(scene, tmp_path):
    controller = still_controller()
    film, result, frames = record_film(scene, controller, tmp_path / "film.mp4", horizon_steps=8)
    assert not result.success
    assert len(frames) == film.writer.frames == 3 * 8 + 15 + 15
    simulation = Simulation(scene)
    simulation.reset(SEED)
    state = simulation.state()
    for _ in range(8):
        simulation.step(state)
    bare = simulation.render(SIZE).astype(int)
    assert np.abs(frames[-1].astype(int) - bare).mean() < 4.0
    assert np.abs(frames[0].astype(int) - bare).mean() > 4.0


def still_controller():
    return Controller(lambda images, states: np.repeat(states[:, None], 16, axis=1), 64, 8)


class Frames:
    """A writer that keeps frames instead of encoding them."""

    def __init__(self):
        self.kept = []

    def write(self, frame, *, times=1):
        self.kept.extend([frame] * times)


def test_plan_starts_at_the_tool(scene):
    """The dot of the first frame lies where forward kinematics and the camera put the tool."""
    writer, simulation = Frames(), Simulation(scene)
    simulation.reset(SEED)
    film = Film(writer, scene, title=TITLE, size=SIZE, n_action_steps=8)
    film.on_look(simulation, np.repeat(simulation.state()[None], 16, axis=0))
    film.on_frame(simulation)
    column, row = scene.project(scene.tool_positions(simulation.state()[None]), SIZE)[0]
    changed = (writer.kept[0] != blend(simulation.render(SIZE), [])).any(axis=-1)
    above_captions = changed[40:180]
    rows, columns = np.nonzero(above_captions)
    assert rows.mean() + 40 == pytest.approx(row, abs=1.0)
    assert columns.mean() == pytest.approx(column, abs=1.0)


def test_record_says_what_the_film_shows(scene, expert, tmp_path):
    film, _, frames = record_film(scene, expert(scene, [SEED]), tmp_path / "film.mp4")
    record = film_record(film, {"arm": "fedprox", "episode": 0}, policy_loss=None)
    assert record["schema_version"] == 1
    assert record["arm"] == "fedprox"
    assert record["policy_loss"] is None
    assert record["fps"] == VIDEO_FPS
    assert record["frames"] == len(frames)
    assert len(record["video_sha256"]) == 64
    assert record["final_frame_check"]["relation"] == "on_disc"


def test_record_holds_the_actions_that_were_executed(scene, tmp_path):
    """Two looks, 8 actions executed of the first, and of the second 4 until the horizon."""
    looks = []

    def predict(images, states):
        looks.append(states)
        ramp = np.arange(16, dtype=np.float32)[:, None] + 100 * len(looks)
        return states[:, None] * 0 + np.broadcast_to(ramp, (16, states.shape[1]))

    film, result, _ = record_film(
        scene, Controller(predict, 64, 8), tmp_path / "film.mp4", horizon_steps=12
    )
    actions = film_record(film, {}, policy_loss=None)["actions"]
    assert result.steps == 12
    assert actions["rate_hz"] == 10
    assert actions["names"][-1] == "gripper.pos"
    assert [values[0] for values in actions["values"]] == [*range(100, 108), *range(200, 204)]
