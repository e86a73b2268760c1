"""Layers blend as alpha compositing says."""

import numpy as np
import pytest

from fedarm.rollout.layers import Layer, blend, flatten


@pytest.fixture
def frame():
    return np.full((4, 6, 3), 100, dtype=np.uint8)


def test_half_transparent_layer_meets_the_frame_half_way(frame):
    layer = Layer.tinted(np.full((1, 2), 0.5), (200, 0, 100), top=1, left=3)
    picture = blend(frame, [layer])
    assert picture[1, 3].tolist() == [150, 50, 100]
    assert picture[1, 5].tolist() == [100, 100, 100]
    assert (frame == 100).all(), "the frame itself must stay clean"


def test_last_layer_is_on_top(frame):
    below = Layer.tinted(np.ones((1, 1)), (10, 10, 10), top=0, left=0)
    above = Layer.tinted(np.ones((1, 1)), (90, 90, 90), top=0, left=0)
    assert blend(frame, [below, above])[0, 0].tolist() == [90, 90, 90]


def test_layer_is_cut_off_at_the_frame(frame):
    layer = Layer.tinted(np.ones((3, 3)), (7, 7, 7), top=-2, left=4)
    picture = blend(frame, [layer])
    assert np.argwhere((picture == 7).all(axis=-1)).tolist() == [[0, 4], [0, 5]]


def test_layer_wholly_outside_changes_nothing(frame):
    layer = Layer.tinted(np.ones((2, 2)), (7, 7, 7), top=9, left=-5)
    assert (blend(frame, [layer]) == frame).all()


def test_flattened_layers_look_like_the_single_ones():
    generator = np.random.default_rng(0)
    frame = generator.integers(0, 256, (12, 12, 3), dtype=np.uint8)
    layers = [
        Layer.tinted(generator.random((5, 4)), (250, 20 * index, 3), top=index, left=2 * index)
        for index in range(3)
    ]
    one_by_one = blend(frame, layers).astype(int)
    at_once = blend(frame, [flatten(layers)]).astype(int)
    # One by one, each layer rounds to whole levels.
    assert np.abs(one_by_one - at_once).max() <= 1
