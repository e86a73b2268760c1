"""Textures of the table."""

from dataclasses import replace

import numpy as np
import pytest

from fedarm.sim.floors import SIDE_M, SIZE_PX, floor_texture
from fedarm.sim.tasks import TASKS, VARIANTS

LOOK = TASKS["pickplace"].look


@pytest.mark.parametrize("floor", ["mat", "planks", "plain"])
def test_the_floors_mean_colour_is_the_looks(floor):
    look = replace(LOOK, floor=floor, line_rgb=LOOK.floor_rgb)
    pixels = floor_texture(look)
    assert pixels.shape == (SIZE_PX, SIZE_PX, 3)
    np.testing.assert_allclose(pixels.mean(axis=(0, 1)) / 255, look.floor_rgb, atol=0.02)
    np.testing.assert_array_equal(pixels, floor_texture(look))


def test_a_mat_has_a_line_every_5_cm_in_its_own_colour():
    line = (np.array(LOOK.line_rgb) * 255).astype(int)
    is_line = np.abs(floor_texture(LOOK).astype(int) - line).max(axis=2) <= 1
    columns = np.flatnonzero(is_line.all(axis=0))
    assert set(np.diff(columns) * SIDE_M / SIZE_PX) == {0.05}
    np.testing.assert_array_equal(np.flatnonzero(is_line.all(axis=1)), columns)


def test_every_variant_with_a_look_has_its_own():
    looks = [variant.look for variant in VARIANTS.values() if variant.look is not None]
    assert len(set(looks)) == len(looks) == 4
