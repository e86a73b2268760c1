"""The graphics libraries: choice, fallback, error, and a clean end."""

import gc
import subprocess
import sys

import mujoco
import numpy as np
import pytest

from fedarm.errors import MachineError
from fedarm.sim import rendering
from fedarm.sim.scene import Scene, compile_scene
from fedarm.sim.simulation import Simulation
from fedarm.sim.tasks import get_task

RENDER = """
from fedarm.sim import rendering
{before}
from fedarm.sim.scene import compile_scene
from fedarm.sim.simulation import Simulation
simulation = Simulation(compile_scene("pickplace"))
simulation.reset(0)
print(simulation.render(32).mean().round(), rendering.choose_backend())
"""


def render_in_a_process(before=""):
    code = RENDER.format(before=before)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    mean, backend = done.stdout.split()
    return float(mean), backend, done.stderr


def test_no_graphics_library_is_an_error_that_names_the_packages(monkeypatch):
    monkeypatch.setattr(rendering, "_egl_works", lambda: False)
    monkeypatch.setattr(rendering, "_osmesa_works", lambda: False)
    with pytest.raises(MachineError) as caught:
        rendering.choose_backend()
    for package in ("libegl1", "libegl-mesa0", "libgl1-mesa-dri", "libopengl0", "libosmesa6"):
        assert package in str(caught.value)


def test_egl_comes_first_and_osmesa_can_be_asked_for(monkeypatch):
    monkeypatch.setattr(rendering, "_egl_works", lambda: True)
    monkeypatch.setattr(rendering, "_osmesa_works", lambda: True)
    monkeypatch.delenv("MUJOCO_GL", raising=False)
    assert rendering.choose_backend() == "egl"
    monkeypatch.setenv("MUJOCO_GL", "osmesa")
    assert rendering.choose_backend() == "osmesa"
    monkeypatch.setattr(rendering, "_osmesa_works", lambda: False)
    assert rendering.choose_backend() == "egl"


def test_a_library_that_cannot_be_loaded_does_not_work(monkeypatch):
    def fail(name):
        raise OSError(name)

    monkeypatch.setattr(rendering.ctypes, "CDLL", fail)
    assert not rendering._egl_works()
    assert not rendering._osmesa_works()


def test_egl_without_opengl_does_not_work(monkeypatch):
    """Debian's packages of EGL do not bring it, and PyOpenGL notices when the first picture is drawn."""
    load = rendering.ctypes.CDLL

    def without_opengl(name):
        if "GL.so" in name and "EGL" not in name:
            raise OSError(name)
        return load(name)

    monkeypatch.setattr(rendering.ctypes, "CDLL", without_opengl)
    assert not rendering._egl_works()


def test_a_process_that_rendered_ends_without_a_word():
    mean, _, stderr = render_in_a_process()
    assert stderr == ""
    assert 60 < mean < 200


@pytest.mark.skipif(not rendering._osmesa_works(), reason="OSMesa is not installed")
def test_without_egl_osmesa_draws_the_same():
    mean, backend, stderr = render_in_a_process("rendering._egl_works = lambda: False")
    assert backend == "osmesa"
    assert stderr == ""
    assert abs(mean - render_in_a_process()[0]) <= 2


def test_smoothing_takes_the_mean_of_blocks():
    pixels = np.zeros((4, 4, 3), np.uint8)
    pixels[0, 0], pixels[1, 1], pixels[2:, 2:] = 255, 101, 200
    small = rendering._shrink(pixels, 2)
    assert small[..., 0].tolist() == [[(255 + 101) // 4, 0], [0, 200]]


def test_pictures_of_one_moment_are_equal_and_sizes_show_the_same():
    simulation = Simulation(compile_scene("pickplace"))
    simulation.reset(0)
    small, large = simulation.render(64), simulation.render(256)
    np.testing.assert_array_equal(small, simulation.render(64))
    shrunk = large.reshape(64, 4, 64, 4, 3).mean(axis=(1, 3))
    assert np.abs(shrunk - small).mean() < 4


def test_pictures_are_neither_dark_nor_burnt_out():
    for task in ("pickplace", "so101_pickplace"):
        simulation = Simulation(compile_scene(task))
        simulation.reset(0)
        picture = simulation.render(224)
        assert 50 < picture.mean() < 190
        assert (picture.min(axis=2) >= 254).mean() < 0.02
        assert (picture.max(axis=2) <= 5).mean() < 0.05


def test_a_picture_does_not_depend_on_what_size_was_drawn_before():
    """All sizes share one renderer, whose buffer grows."""
    simulation = Simulation(Scene(get_task("pickplace")))
    simulation.reset(0)
    before = {size: simulation.render(size) for size in (48, 64, 128)}
    large = simulation.render(400)
    assert large.shape == (400, 400, 3)
    for size, picture in before.items():
        np.testing.assert_array_equal(simulation.render(size), picture)
    fresh = Simulation(Scene(get_task("pickplace")))
    fresh.reset(0)
    np.testing.assert_array_equal(fresh.render(400), large)


def test_scenes_draw_side_by_side_and_one_after_the_other():
    """All renderers of a process share a graphics context, and each scene's is closed with it."""

    def begin(task):
        simulation = Simulation(Scene(get_task(task)))
        simulation.reset(0)
        return simulation

    first = begin("pickplace")
    expected = first.render(64)
    second = begin("stacking")
    other = second.render(300)
    np.testing.assert_array_equal(first.render(64), expected)
    np.testing.assert_array_equal(second.render(300), other)
    del second
    gc.collect()
    np.testing.assert_array_equal(first.render(64), expected)
    np.testing.assert_array_equal(begin("pickplace").render(64), expected)


@pytest.mark.parametrize("task", ["pickplace", "stacking", "sorting"])
def test_what_is_fixed_hides_and_is_hidden_as_if_all_were_drawn_at_once(task):
    scene = compile_scene(task)
    simulation = Simulation(scene)
    rng = np.random.default_rng(0)
    for seed in range(3):
        simulation.reset(seed)
        for _ in range(6):
            simulation.step(rng.uniform(-60, 60, 6))
        picture = simulation.render(240)
        at_once = scene._renderer._draw(
            scene.model, simulation._data, simulation._camera, mujoco.mjtCatBit.mjCAT_ALL, 240
        )
        np.testing.assert_array_equal(picture, at_once.pixels[::-1])
